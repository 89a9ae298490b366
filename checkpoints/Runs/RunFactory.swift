import Synchronization
import TideColumns

/// Numbers of run files, each given out once.
final class RunNumbers: Sendable {
    private let value: Atomic<UInt64>
    init(next: UInt64) { value = Atomic(next) }
    func take() -> UInt64 { value.wrappingAdd(1, ordering: .relaxed).oldValue }
    var next: UInt64 { value.load(ordering: .relaxed) }
}

/// Makes run files that nothing refers to yet. May be used from any thread, beside commits.
public struct RunFactory: Sendable {
    let directory: FilePath
    let files: any FileSystem
    let numbers: RunNumbers

    /// A run whose bytes are durable; its name is when it is installed. nil if `fill` wrote no rows.
    /// - Parameter expectedRows: at least as many as `fill` writes.
    public func make(
        _ address: StateAddress, types: [DataType], expectedRows: Int, compression: BlockCompression = .lz4,
        _ fill: (RunWriter) throws(TidemillError) -> Void
    ) throws(TidemillError) -> ManifestRun? {
        let number = numbers.take()
        let path = directory.appending(RunFormat.name(number))
        let file = try files.open(path, .createNew)
        defer { file.close() }
        do throws(TidemillError) {
            let writer = try RunWriter(
                file: file, types: types, compression: compression, expectedRows: expectedRows)
            try fill(writer)
            let summary = try writer.finish()
            if summary.rows == 0 {
                try files.remove(path)
                return nil
            }
            return ManifestRun(
                owner: address.owner, kind: address.kind, part: address.part, number: number, rows: summary.rows,
                bytes: summary.bytes, footerCRC: summary.footerCRC)
        } catch {
            try? files.remove(path)  // the next start removes it otherwise
            throw error
        }
    }

    /// Opens a run of the manifest, and finds that it is the one.
    public func open(_ run: ManifestRun) throws(TidemillError) -> RunReader {
        let path = directory.appending(run.fileName)
        let reader = try RunReader.open(path, files: files)
        guard reader.footerCRC == run.footerCRC, reader.rows == run.rows else {
            throw .corruptRun("the run is not the one of the manifest", file: path.string, offset: reader.bytes)
        }
        return reader
    }
}
