import TideText

extension Pipeline.Answer {
    /// CSV with a header line.
    public func csv() throws(TidemillError) -> [UInt8] {
        let file = MemoryFile(FilePath("answer.csv"))
        var options = CSVWriteOptions()
        options.header = true
        var writer = try CSVWriter(schema: schema, options: options, sink: file)
        for batch in batches { try writer.append(batch) }
        try writer.finish()
        return file.bytes
    }
}
