import Testing
import TideCheckpoints
import TideColumns
import TideSimulation

/// One flipped byte anywhere in a checkpoint that was closed cleanly.
@Suite struct DamageTests {
    static func closed() throws -> (files: SimulatedFileSystem, progress: CheckpointScript.Progress) {
        let files = SimulatedFileSystem()
        var script = CheckpointScript()
        script.epochs = 4
        script.snapshotAfter = [1]
        script.options.segmentBytesMax = 1 << 20
        let progress = CheckpointScript.Progress()
        try script.run(files, progress)
        return (files.copied(), progress)
    }

    static func paths(_ files: SimulatedFileSystem) throws -> [FilePath] {
        var paths: [FilePath] = []
        for folder in ["/storage", "/storage/log", "/storage/runs"] {
            for entry in try files.entries(of: FilePath(folder)) where entry.kind == .file {
                paths.append(FilePath(folder).appending(entry.name))
            }
        }
        return paths
    }

    @Test func everyFlippedByteIsNoticedOrHarmless() throws {
        let (files, progress) = try Self.closed()
        #expect(try verifyCheckpoint(CheckpointScript.directory, files: files).problems.isEmpty)
        var complaints: [String] = []
        var flipped = 0
        for path in try Self.paths(files) {
            let content = try files.contents(of: path)
            let file = try files.open(path, .readWrite)
            for index in content.indices {
                flipped += 1
                try file.write([content[index] ^ (1 << UInt8(index % 8))], at: Int64(index))
                let damage = try verifyCheckpoint(CheckpointScript.directory, files: files).damage
                let isNamed = damage.contains { $0.file == path.string && $0.offset <= index }
                if !isNamed && path.lastComponent?.string != "lock" {
                    complaints.append("verify does not name byte \(index) of \(path): \(damage)")
                }
                do throws(TidemillError) {
                    if let recovered = try RecoveredCheckpoint.read(CheckpointScript.directory, files: files),
                        let complaint = try CheckpointScript.complaint(recovered, progress)
                    {
                        complaints.append("byte \(index) of \(path): \(complaint)")
                    }
                } catch {
                    let isNamed = if case .file(_, _, _?) = error.place { true } else { false }
                    if error.kind != .corruption && error.kind != .unsupported || !isNamed {
                        complaints.append("byte \(index) of \(path): \(error)")
                    }
                }
                // The writer must not do worse than the reader.
                if index % 16 == 0, let complaint = Self.reopened(files, progress) {
                    complaints.append("byte \(index) of \(path), opened: \(complaint)")
                }
                try file.write([content[index]], at: Int64(index))
            }
        }
        #expect(flipped > 5000)
        #expect(complaints.isEmpty, "\(complaints.count): \(complaints.prefix(8))")
    }

    private static func reopened(_ files: SimulatedFileSystem, _ progress: CheckpointScript.Progress) -> String? {
        do throws(TidemillError) {
            return try CheckpointScript.complaint(CrashTests.open(files.copied()).recovered, progress)
        } catch {
            return error.kind == .corruption || error.kind == .unsupported ? nil : error.description
        }
    }

    @Test func everyCutFileIsNoticed() throws {
        let (files, progress) = try Self.closed()
        for path in try Self.paths(files) where path.lastComponent?.string != "lock" {
            let size = try files.status(of: path)?.size ?? 0
            for cut in [0, 1, size / 3, size / 2, size - 513, size - 512, size - 1] where cut >= 0 && cut < size {
                let copy = files.copied()
                try copy.open(path, .readWrite).truncate(to: cut)
                #expect(
                    try !verifyCheckpoint(CheckpointScript.directory, files: copy).problems.isEmpty, "\(path) \(cut)")
                do throws(TidemillError) {
                    let evidence = Epoch(progress.committed)
                    let read = try RecoveredCheckpoint.read(CheckpointScript.directory, files: copy, evidence: evidence)
                    let seen = CheckpointScript.Progress()
                    seen.attempted = progress.attempted
                    seen.committed = progress.committed
                    seen.published = progress.published
                    if let read { #expect(try CheckpointScript.complaint(read, seen) == nil, "\(path) cut to \(cut)") }
                } catch { #expect(error.kind == .corruption) }
            }
        }
    }

    @Test func everyMissingFileIsNoticed() throws {
        let (files, progress) = try Self.closed()
        for path in try Self.paths(files) where path.lastComponent?.string != "lock" {
            let copy = files.copied()
            try copy.remove(path)
            let error = #expect(throws: TidemillError.self) {
                _ = try CheckpointStore.open(
                    CheckpointScript.directory, pipeline: "p", environment: CheckpointScript.environment(copy),
                    holder: CheckpointScript.holder, evidence: { _ in Epoch(progress.committed) })
            }
            #expect(error?.kind == .corruption)
            #expect(try !verifyCheckpoint(CheckpointScript.directory, files: copy).problems.isEmpty)
        }
    }
}
