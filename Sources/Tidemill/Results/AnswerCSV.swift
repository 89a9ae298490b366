import TideText

extension Pipeline.Answer {
    /// CSV with a header line.
    public func csv() throws(TidemillError) -> [UInt8] {
        let file = MemoryFile(FilePath("answer.csv"))
        var options = CSVWriteOptions()
        options.header = true
        // As RFC 4180 has it, for whatever reads the answer; tables' copies follow Spark's rules.
        options.escape = UInt8(ascii: "\"")
        // CSV has no arrays; they are written as a cast to STRING prints them.
        let plain = Schema(schema.fields.map { $0.type.isNested ? Field($0.name, .string) : $0 })
        var writer = try CSVWriter(schema: plain, options: options, sink: file)
        for batch in batches {
            let columns = batch.columns.map { $0.type.isNested ? $0.formatted() : $0 }
            try writer.append(Batch(columns: columns, count: batch.count))
        }
        try writer.finish()
        return file.bytes
    }
}
