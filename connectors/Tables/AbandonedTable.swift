/// The hidden siblings of a directory whose table has left the pipeline.
///
/// The directory itself stays: it is its owner's. Beside it only what is surely ours is removed. A directory that holds
/// somebody else's table, or no table, is not touched, nor is anything beside it; where the directory is gone, each
/// sibling has to say itself whose it is.
public struct AbandonedTable: Sendable {
    private let directory: TableDirectory
    private let table: String
    private let generations: Set<UInt64>

    /// - Parameter generations: of the checkpoints that may have written it.
    public init(
        location: FilePath, table: String, generations: Set<UInt64>, readerGrace: Duration, environment: Environment
    ) {
        directory = TableDirectory(location, environment: environment, readerGrace: readerGrace)
        self.table = table
        self.generations = generations
    }

    /// `unreadable`: there is a marker, and a later start may read it.
    private enum Owner { case us, others, nobody, unreadable }

    /// Removes stages, and versions that neither a reader within its grace nor a retained epoch needs.
    /// - Returns: whether nothing is left to be removed later.
    public func clean(retained: Set<RetainedVersion>) throws(TidemillError) -> Bool {
        let files = directory.files
        guard try files.exists(directory.parent) else { return true }
        let owner = try owner()
        switch owner {
        case .others: return true
        case .unreadable: return false
        case .us: try directory.recoverSiblings(retained: retained)
        case .nobody: try cleanOwnedSiblings(retained)
        }
        try cleanStaging()
        for entry in try files.entries(of: directory.parent) {
            guard entry.name.hasPrefix(directory.oldPrefix) || entry.name.hasPrefix(directory.nextPrefix) else {
                continue
            }
            if owner == .us { return false }
            if try self.owner(of: directory.parent.appending(entry.name)) != .others { return false }
        }
        // The place is forgotten for good: what was removed must not come back.
        try files.syncDirectory(directory.parent)
        return true
    }

    private func owner() throws(TidemillError) -> Owner {
        guard let status = try directory.files.status(of: directory.location) else { return .nobody }
        return status.kind == .directory ? try owner(of: directory.location) : .others
    }

    private func owner(of version: FilePath) throws(TidemillError) -> Owner {
        guard try directory.files.exists(version.appending(TableMarker.name)) else { return .others }
        guard let marker = try directory.siblingMarker(version) else { return .unreadable }
        let isOurs = marker.identity.table == table && generations.contains(marker.identity.generation)
        return isOurs ? .us : .others
    }

    private func isOurs(_ sibling: FilePath) throws(TidemillError) -> Bool { try owner(of: sibling) == .us }

    /// Whether it is a replacement that was cut off before its marker: nothing but files with names of ours is in it.
    private func isBegunByUs(_ stage: FilePath) throws(TidemillError) -> Bool {
        guard try directory.files.status(of: stage)?.kind == .directory, try directory.siblingMarker(stage) == nil
        else { return false }
        return try directory.allEntries(of: stage).allSatisfy { entry in
            entry.kind == .file && (TableDirectory.isOurs(entry.name) || entry.name == TableMarker.name)
        }
    }

    private func cleanOwnedSiblings(_ retained: Set<RetainedVersion>) throws(TidemillError) {
        let files = directory.files
        for entry in try files.entries(of: directory.parent) {
            let path = directory.parent.appending(entry.name)
            // Of a start that was cut off while it tried what the file system can do. Nothing is ever in them.
            let isProbe = [".\(directory.name).probe-a", ".\(directory.name).probe-b"].contains(entry.name)
            if isProbe, entry.kind == .directory, try files.entries(of: path).isEmpty {
                try files.removeDirectory(path)
            }
            guard entry.name.hasPrefix(directory.nextPrefix) else { continue }
            if try isBegunByUs(path) { try files.removeTree(path) }
            guard try isOurs(path) else { continue }
            try directory.moveAside(path, label: String(entry.name.dropFirst(directory.nextPrefix.count)))
        }
        try directory.removeOldVersions(but: retained) { (path) throws(TidemillError) in try isOurs(path) }
    }

    /// Files of epochs that will not be published: their table is not in the pipeline any more.
    private func cleanStaging() throws(TidemillError) {
        let files = directory.files
        guard try files.status(of: directory.staging)?.kind == .directory else { return }
        var isEmpty = true
        for entry in try files.entries(of: directory.staging) {
            if entry.kind == .file, TableDirectory.isOurs(entry.name) {
                try files.remove(directory.staging.appending(entry.name))
            } else {
                isEmpty = false
            }
        }
        if isEmpty { try files.removeDirectory(directory.staging) }
    }
}
