import TideColumns

extension FileMetadata {
    /// Reads the footer: `metadata | length u32 | "PAR1"` at the end of the file.
    static func read(_ file: any File, size: Int64) throws(TidemillError) -> FileMetadata {
        let name = file.path.string
        guard size >= 12 else { throw .corruptParquet("not a Parquet file: \(size) bytes", file: name) }
        let tail = try file.bytes(at: size - 8, count: 8)
        let magic = Array(tail[4...])
        if magic == Array("PARE".utf8) {
            throw .unsupported("the Parquet file's footer is encrypted", place: .file(name))
        }
        guard magic == Array("PAR1".utf8) else {
            throw .corruptParquet("not a Parquet file: no PAR1 at its end", file: name, offset: size - 4)
        }
        var length: Int64 = 0
        for i in 0..<4 { length |= Int64(tail[i]) << Int64(8 * i) }
        guard length <= size - 12 else {
            throw .corruptParquet("footer of \(length) bytes in a file of \(size)", file: name, offset: size - 8)
        }
        let start = size - 8 - length
        let buffer = Buffer(byteCount: Int(length))
        let target = UnsafeMutableRawBufferPointer(start: buffer.base, count: buffer.byteCount)
        guard try file.read(into: target, at: start) == buffer.byteCount else {
            throw .corruptParquet("footer ends early", file: name, offset: start)
        }
        var reader = ThriftReader(
            UnsafeRawPointer(buffer.base), count: buffer.byteCount, file: name, fileOffset: start)
        var metadata = try FileMetadata.decode(&reader)
        try FileChecksums.check(&metadata, stored: buffer.bytes, file: name, offset: start)
        withExtendedLifetime(buffer) {}
        return metadata
    }
}
