// The checkpoint of a pipeline as a person handles it: looked into, verified, gone back in.

extension Pipeline {
    /// What the checkpoint holds; read without its lock.
    /// - Throws: `.user` if there is none.
    public func checkpointContents() throws(TidemillError) -> CheckpointContents {
        try CheckpointContents(
            try requireCheckpoint(), definition: definition, connectors: connectors,
            retention: try EngineSettings(definition.configuration).retention)
    }

    /// The checkpoint as it is now; read without its lock.
    func requireCheckpoint() throws(TidemillError) -> RecoveredCheckpoint {
        guard let recovered = try RecoveredCheckpoint.read(storage, files: environment.files) else {
            throw noCheckpoint()
        }
        try requireOwnCheckpoint(recovered.manifest.pipeline)
        return recovered
    }

    private func noCheckpoint() -> TidemillError {
        TidemillError(
            .user, "TIDEMILL_CHECKPOINT_NOT_FOUND", "there is no checkpoint here",
            hint: "run the pipeline first, or name the folder with --storage", place: .file(storage.string))
    }

    private func requireOwnCheckpoint(_ name: String) throws(TidemillError) {
        guard name == definition.name else {
            throw TidemillError(
                .user, "TIDEMILL_CHECKPOINT_OTHER_PIPELINE", "the checkpoint belongs to another pipeline: \(name)",
                hint: "name this pipeline's folder with --storage", place: .file(storage.string))
        }
    }

    /// The state of operators as tables; read without the checkpoint's lock.
    public func stateCatalog() throws(TidemillError) -> StateCatalog { try StateCatalog(try requireCheckpoint()) }

    /// What the next run would do with the pipeline as it is now.
    /// - Parameter refreshed: tables to be rebuilt whatever their query.
    public func changeReport(refreshed: Set<String> = []) throws(TidemillError) -> ChangeReport {
        let recovered = try RecoveredCheckpoint.read(storage, files: environment.files)
        if let recovered { try requireOwnCheckpoint(recovered.manifest.pipeline) }
        var report = try ChangeReport(
            definition, connectors: connectors, recovered: recovered, refreshed: Set(refreshed.map { $0.lowercased() }))
        do throws(TidemillError) { try environment.files.requireWritable(storage, for: "the checkpoint") } catch {
            report.obstacles.append(error)
        }
        return report
    }

    /// Reads every byte of the checkpoint. Nobody may write it meanwhile: the lock is held.
    public func verifyCheckpoint() throws(TidemillError) -> CheckpointReport {
        guard try environment.files.exists(storage) else { throw noCheckpoint() }
        return try RetainedEpochs(
            definition, connectors: connectors, environment: environment, storage: storage
        ).verify()
    }

    /// Savepoints and rollbacks.
    public func retainedEpochs() throws(TidemillError) -> RetainedEpochs {
        guard try environment.files.exists(storage.appending("manifest")) else { throw noCheckpoint() }
        return RetainedEpochs(definition, connectors: connectors, environment: environment, storage: storage)
    }
}
