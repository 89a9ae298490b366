/// What an epoch prepared for an append table; part of the commit record.
///
///     version u8 | replaces u8 | files: (data file | inline bytes or empty)
struct AppendManifest: Sendable {
    struct Prepared: Sendable {
        var file: DataFile
        /// The whole file when it is small; nil: it lies in the staging directory.
        var bytes: [UInt8]?
    }
    /// The table holds these rows only.
    var replacesAll: Bool
    var files: [Prepared]

    func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.u8(1)
        writer.bool(replacesAll)
        writer.varint(UInt64(files.count))
        for prepared in files {
            prepared.file.encode(into: &writer)
            writer.bool(prepared.bytes != nil)
            if let bytes = prepared.bytes { writer.blob(bytes) }
        }
        return writer.bytes
    }

    init(replacesAll: Bool, files: [Prepared]) {
        self.replacesAll = replacesAll
        self.files = files
    }

    /// What epochs bring together, oldest first.
    static func joined(_ manifests: [AppendManifest]) -> AppendManifest {
        var all = AppendManifest(replacesAll: false, files: [])
        for next in manifests {
            if next.replacesAll { all = next } else { all.files += next.files }
        }
        return all
    }

    init(decoding bytes: [UInt8]) throws(TidemillError) {
        var reader = ByteReader(bytes, file: "append manifest")
        let version = try reader.u8()
        guard version == 1 else { throw reader.corruption("unknown append manifest version \(version)") }
        replacesAll = try reader.bool()
        files = []
        for _ in 0..<(try reader.count(elementBytesMin: 7)) {
            let file = try DataFile.decode(keyTypes: [], from: &reader)
            files.append(Prepared(file: file, bytes: try reader.bool() ? Array(try reader.blob()) : nil))
        }
        try reader.expectEnd()
    }
}
