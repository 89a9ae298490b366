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

/// The file's schema tree, flattened: columns that can be read, and why the others cannot.
struct SchemaLeaves {
    struct Column {
        let field: Field
        let leafIndex: Int
        let type: LeafType
    }
    private(set) var columns: [Column] = []
    private(set) var unreadable: [UnreadableColumn] = []
    private(set) var leafCount = 0

    init(_ elements: [SchemaElement], file: String) throws(TidemillError) {
        let root = elements[0]
        var position = 1
        for _ in 0..<root.childCount {
            guard position < elements.count else { throw .corruptParquet("schema ends early", file: file) }
            let element = elements[position]
            position += 1
            if element.kind == nil {
                unreadable.append(UnreadableColumn(name: element.name, reason: "a nested type"))
                try skipChildren(of: element, elements, &position, file: file)
                continue
            }
            guard element.childCount == 0 else {
                throw .corruptParquet("column \(element.name) has both a type and children", file: file)
            }
            let leafIndex = leafCount
            leafCount += 1
            guard element.repetition != .repeated else {
                unreadable.append(UnreadableColumn(name: element.name, reason: "a repeated type"))
                continue
            }
            switch LeafMapping(element) {
            case .unreadable(let reason):
                unreadable.append(UnreadableColumn(name: element.name, reason: reason))
            case .readable(let type):
                let field = Field(element.name, type.type, nullable: element.repetition == .optional)
                columns.append(Column(field: field, leafIndex: leafIndex, type: type))
            }
        }
        guard position == elements.count else { throw .corruptParquet("schema has stray elements", file: file) }
    }

    /// Without recursion: a schema may nest as deep as its bytes allow.
    private mutating func skipChildren(
        of element: SchemaElement, _ elements: [SchemaElement], _ position: inout Int, file: String
    ) throws(TidemillError) {
        var open = Int(element.childCount)
        while open > 0 {
            guard position < elements.count else { throw .corruptParquet("schema ends early", file: file) }
            let child = elements[position]
            position += 1
            open += Int(child.childCount) - 1
            if child.kind != nil { leafCount += 1 }
        }
    }
}
