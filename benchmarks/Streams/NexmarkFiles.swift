import TideConnectors
import TideParquet
import TideText
import Tidemill

/// Nexmark's streams as files: `<directory>/<stream>/part-NNNNN.<format>`, one file per stream and epoch, written in
/// the
/// order of time. Beside them `side_input/side.csv`, which q13 looks values up in: 10,000 keys.
struct NexmarkFiles {
    enum Format: String, CaseIterable { case parquet, json, csv }

    var events: Int64
    var epochs: Int64
    var format: Format
    var sequence = NexmarkEvents()

    /// - Returns: rows of each stream.
    func write(
        into directory: FilePath, files system: any FileSystem
    ) throws(TidemillError) -> [(stream: NexmarkStream, rows: Int)] {
        var written: [(stream: NexmarkStream, rows: Int)] = []
        for stream in NexmarkStream.allCases {
            let folder = directory.appending(stream.rawValue)
            try system.removeTree(folder)
            try system.createDirectories(folder)
            var rows = 0
            for epoch in 0..<epochs {
                let digits = String(epoch)
                let name = "part-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits
                let file = try system.open(folder.appending("\(name).\(format.rawValue)"), .createNew)
                defer { file.close() }
                rows += try write(stream, events * epoch / epochs..<events * (epoch + 1) / epochs, to: file)
            }
            written.append((stream, rows))
        }
        try writeSideInput(directory.appending("side_input"), system)
        return written
    }

    private func write(_ stream: NexmarkStream, _ range: Range<Int64>, to file: any File) throws(TidemillError) -> Int {
        let schema = stream.schema
        let reader = NexmarkReader(stream, sequence, range, columns: Array(schema.fields.indices))
        switch format {
        case .parquet:
            let writer = try ParquetWriter(file: file, schema: schema)
            while let batch = reader.next() { try writer.append(batch) }
            _ = try writer.finish()
        case .json:
            var writer = try JSONWriter(schema: schema, sink: file)
            while let batch = reader.next() { try writer.append(batch) }
            try writer.finish()
        case .csv:
            var options = CSVWriteOptions()
            options.header = true
            var writer = try CSVWriter(schema: schema, options: options, sink: file)
            while let batch = reader.next() { try writer.append(batch) }
            try writer.finish()
        }
        return reader.report.rows
    }

    private func writeSideInput(_ folder: FilePath, _ system: any FileSystem) throws(TidemillError) {
        try system.removeTree(folder)
        try system.createDirectories(folder)
        var text = Array("key,value\n".utf8)
        for key in 0..<10_000 { text += "\(key),value \(key * 7 % 1000)\n".utf8 }
        let file = try system.open(folder.appending("side.csv"), .createNew)
        try file.write(text, at: 0)
        file.close()
    }
}
