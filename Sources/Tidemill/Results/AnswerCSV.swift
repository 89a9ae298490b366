import TideText

extension Pipeline.Answer {
    /// CSV with a header line.
    public func csv() throws(TidemillError) -> [UInt8] {
        let file = MemoryFile(FilePath("answer.csv"))
        var options = CSVWriteOptions()
        options.header = true
        // As RFC 4180 has it, for whatever reads the answer; tables' copies follow Spark's rules.
        options.escape = UInt8(ascii: "\"")
        var writer = try CSVWriter(schema: schema, options: options, sink: file)
        for batch in batches { try writer.append(batch) }
        try writer.finish()
        return file.bytes
    }
}
