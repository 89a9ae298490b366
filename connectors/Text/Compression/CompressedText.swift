import TideColumns

/// How a text file is packed, by the end of its name.
public enum TextCompression: String, Sendable, CaseIterable {
    case gzip = ".gz"
    case zlib = ".deflate"
    case zstd = ".zst"
    case lz4 = ".lz4"
    case snappy = ".snappy"

    public init?(name: String) {
        guard let found = TextCompression.allCases.first(where: { name.lowercased().hasSuffix($0.rawValue) }) else {
            return nil
        }
        self = found
    }
}

/// Unpacks a stream piece by piece.
protocol Decompressor: AnyObject {
    /// Takes bytes from `input`, writes bytes to `output`; how many of each. Neither: more input is needed, or `output`
    /// is full.
    func step(
        _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
    ) throws(TidemillError) -> (taken: Int, given: Int)
    /// Whether the input so far is whole.
    var isComplete: Bool { get }
}

/// A packed file as the file that is in it. It is read from start to end: `read` continues where the last one ended.
public final class DecompressedFile: File, @unchecked Sendable {
    // Sendable: a reader uses its file from one thread at a time.
    private let packed: any File
    private let stream: any Decompressor
    private let input = Buffer(byteCount: 128 << 10)
    private var inputStart = 0
    private var inputEnd = 0
    private var packedOffset: Int64 = 0
    private var offset: Int64 = 0
    private var isAtEnd = false

    public init(_ packed: any File, _ compression: TextCompression) throws(TidemillError) {
        self.packed = packed
        switch compression {
        case .gzip, .zlib: stream = try ZlibStream(path: packed.path.string)
        case .zstd: stream = try ZstdStream(path: packed.path.string)
        case .lz4: stream = try LZ4Stream(path: packed.path.string)
        case .snappy: stream = HadoopBlockStream(.snappy, path: packed.path.string)
        }
    }

    public var path: FilePath { packed.path }
    public func size() throws(TidemillError) -> Int64 { try packed.size() }

    public func read(into buffer: UnsafeMutableRawBufferPointer, at position: Int64) throws(TidemillError) -> Int {
        guard position == offset else {
            throw TidemillError.internal("a packed file is read from start to end: \(path.string)")
        }
        var filled = 0
        while filled < buffer.count {
            let unread = UnsafeRawBufferPointer(start: input.base + inputStart, count: inputEnd - inputStart)
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let (taken, given) = try stream.step(unread, room)
            inputStart += taken
            filled += given
            if taken > 0 || given > 0 { continue }
            if isAtEnd {
                guard stream.isComplete && unread.isEmpty else { throw truncatedStream(path.string) }
                break
            }
            try refill()
        }
        offset += Int64(filled)
        return filled
    }

    private func refill() throws(TidemillError) {
        let kept = inputEnd - inputStart
        if inputStart > 0 { (input.base).copyMemory(from: input.base + inputStart, byteCount: kept) }
        inputStart = 0
        inputEnd = kept
        let room = UnsafeMutableRawBufferPointer(start: input.base + kept, count: input.byteCount - kept)
        let read = try packed.read(into: room, at: packedOffset)
        packedOffset += Int64(read)
        inputEnd += read
        isAtEnd = read < room.count
    }

    public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(TidemillError) {
        throw TidemillError.internal("packed files are only read")
    }
    public func sync() throws(TidemillError) {}
    public func truncate(to size: Int64) throws(TidemillError) {
        throw TidemillError.internal("packed files are only read")
    }
    public func close() { packed.close() }
}

func truncatedStream(_ path: String) -> TidemillError {
    TidemillError(
        .data, "TIDEMILL_BAD_COMPRESSED_FILE", "the packed file ends too early",
        hint: "files must be written under a hidden name and renamed when they are whole", place: .file(path))
}

func brokenStream(_ path: String, _ reason: String) -> TidemillError {
    TidemillError(
        .data, "TIDEMILL_BAD_COMPRESSED_FILE", "the packed file is damaged: \(reason)",
        hint: "the end of its name says how it is packed: .gz, .zst, .lz4, .snappy or .deflate", place: .file(path))
}
