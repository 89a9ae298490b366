import TideText

extension Pipeline.Answer {
    /// CSV with a header line.
    public func csv() throws(TidemillError) -> [UInt8] {
        let file = MemoryFile(FilePath("answer.csv"))
        var writer = try CSVWriter(file: file, schema: schema, options: CSVWriteOptions.parse(["header": "true"]).options)
        for batch in batches { try writer.append(batch) }
        try writer.finish()
        return file.bytes
    }
}
