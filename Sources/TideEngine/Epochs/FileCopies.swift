/// What was read of each file of a replaceable input, compressed, so that it can be taken back when the file changes.
///
/// In the checkpoint a row is | hash of the path | live | path | number of the piece | piece, an encoded batch |.
/// Used by the thread that drives the pipeline.
final class FileCopies {
    static let types: [DataType] = [.bigint, .boolean, .string, .bigint, .binary]
    static let rule = MergeRule(keyColumns: [2, 3], liveColumn: 1)

    /// The pieces of each file by their numbers, from 0.
    private var files: [String: [Int: [UInt8]]] = [:]
    /// What the epoch in hand makes of some files; nil: gone.
    private var staged: [String: [[UInt8]]?] = [:]

    /// Bytes kept.
    var byteCount: Int { files.values.reduce(0) { $0 + $1.values.reduce(0) { $0 + $1.count } } }

    func rows(of path: String) throws(TidemillError) -> [Batch] {
        var batches: [Batch] = []
        for (_, piece) in (files[path] ?? [:]).sorted(by: { $0.key < $1.key }) {
            batches.append(try FileCopies.decoded(piece))
        }
        return batches
    }
    private static func decoded(_ piece: [UInt8]) throws(TidemillError) -> Batch {
        let result: Result<Batch, TidemillError> = piece.withUnsafeBytes { bytes in
            do throws(TidemillError) {
                return .success(try BlockCodec.decode(bytes, file: "copy of an input file", offset: 0))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
    func allRows() throws(TidemillError) -> [Batch] {
        var batches: [Batch] = []
        for path in files.keys.sorted() { batches += try rows(of: path) }
        return batches
    }

    func stage(retracted: [String], taken: [(path: String, batches: [Batch])]) throws(TidemillError) {
        staged = [:]
        for path in retracted { staged[path] = .some(nil) }
        for (path, batches) in taken {
            var pieces: [[UInt8]] = []
            for batch in batches { pieces.append(try BlockCodec.encode(batch, compression: .zstd(level: 3))) }
            staged[path] = pieces
        }
    }

    /// The staged changes as rows of the checkpoint.
    func changes() throws(TidemillError) -> Batch {
        var paths: [Scalar] = []
        var numbers: [Scalar] = []
        var live: [Scalar] = []
        var pieces: [Scalar] = []
        for (path, new) in staged.sorted(by: { $0.key < $1.key }) {
            let now = new ?? []
            for number in 0..<max(now.count, files[path]?.count ?? 0) {
                let isLive = number < now.count
                paths.append(.string(path))
                numbers.append(.bigint(Int64(number)))
                live.append(.boolean(isLive))
                pieces.append(Scalar(.binary, .bytes(isLive ? now[number] : [])))
            }
        }
        let path = Column(.string, paths)
        let buffer = hashRows([path], count: paths.count)
        let hashes = buffer.pointer(UInt64.self)
        var order = Array(UInt32(0)..<UInt32(paths.count))
        order.sort { (hashes[Int($0)], $0) < (hashes[Int($1)], $1) }
        return Batch(
            columns: [
                Column(type: .bigint, count: paths.count, values: buffer), Column(.boolean, live), path,
                Column(.bigint, numbers), Column(.binary, pieces),
            ], count: paths.count
        ).gather(order)
    }

    func commit() {
        for (path, new) in staged {
            files[path] = new.map { Dictionary(uniqueKeysWithValues: $0.enumerated().map { ($0.offset, $0.element) }) }
        }
        staged = [:]
    }

    /// Later blocks win over earlier ones.
    func restore(_ block: Batch) throws(TidemillError) {
        guard block.columns.map(\.type) == FileCopies.types else {
            throw TidemillError(
                .corruption, "TIDEMILL_STATE_TYPES", "kept copies of input files have other columns than expected")
        }
        let numbers = block.columns[3].pointer(Int64.self)
        for row in 0..<block.count {
            let path = String(decoding: block.columns[2].bytes(row), as: UTF8.self)
            let piece = block.columns[1].bits[row] ? Array(block.columns[4].bytes(row)) : nil
            files[path, default: [:]][Int(numbers[row])] = piece
            if files[path]?.isEmpty ?? false { files[path] = nil }
        }
    }
}

/// Keeps what passes through, by task.
final class CopyingConsumer: BatchConsumer {
    private let output: any BatchConsumer
    private let kept = Locked<[Int: [Batch]]>([:])

    init(output: any BatchConsumer) { self.output = output }

    func consume(_ batch: Batch, _ task: TaskContext) throws(TidemillError) {
        if batch.count > 0 { kept.withLock { $0[task.ordinal, default: []].append(batch) } }
        try output.consume(batch, task)
    }
    func finishTask(_ task: TaskContext) throws(TidemillError) { try output.finishTask(task) }

    func batches(of ordinal: Int) -> [Batch] { kept.withLock { $0[ordinal] ?? [] } }
}
