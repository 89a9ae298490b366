@_exported import TideCheckpoints
@_exported import TideOperators

/// What makes sources and targets. The engine asks for them by what the pipeline says; which formats exist is known to
/// the module that puts the program together.
public protocol Connectors: Sendable {
    /// - Parameter options: the relation's reading options with those behind `STREAM t WITH (…)` laid over them.
    func source(for relation: ExternalRelation, options: [String: String]) throws(TidemillError) -> any Source
    /// A stored table of this pipeline, read as files; nil if it was never written.
    func storedTable(_ dataset: Dataset) throws(TidemillError) -> (any Source)?
    /// The same as of a committed epoch that may not be published yet.
    /// - Throws: `TIDEMILL_TABLE_CHANGES_TOO_FAST` if a later one is published by now.
    func committedTable(_ dataset: Dataset, _ pending: PendingChanges) throws(TidemillError) -> (any Source)?
    /// Files and bytes of a stored table; nil if it was never written.
    func storedSize(_ dataset: Dataset) throws(TidemillError) -> (files: Int, bytes: Int64)?
    /// Whether there is anything at the table's place.
    func isStored(_ dataset: Dataset) throws(TidemillError) -> Bool
    /// - Parameter startsOver: what the table holds now, and with which columns, does not matter: its next version
    ///   replaces all rows.
    func appendTarget(
        _ dataset: Dataset, generation: UInt64, startsOver: Bool
    ) throws(TidemillError) -> any AppendTarget
    func keyedTarget(
        _ dataset: Dataset, generation: UInt64, startsOver: Bool
    ) throws(TidemillError) -> any KeyedTarget
    func copyTarget(_ sink: SinkDefinition, generation: UInt64) throws(TidemillError) -> any CopyTarget
    /// What making the target would refuse, found without changing anything.
    func checkTarget(_ dataset: Dataset, generation: UInt64, startsOver: Bool) throws(TidemillError)
    func checkCopy(_ sink: SinkDefinition, generation: UInt64) throws(TidemillError)

    /// The directories that a table has, as `TablePlace` says them.
    func places(of dataset: Dataset) -> [String]
    func place(of sink: SinkDefinition) -> String
    /// Removes what a table that left the pipeline has beside its directory, as far as it is ours and neither a reader
    /// nor a retained epoch needs it. True if nothing is left to be removed later.
    func cleanSiblings(
        of place: TablePlace, generations: Set<UInt64>, retained: Set<RetainedVersion>
    ) throws(TidemillError) -> Bool

    /// Names of files that a retained version of the table lacks; nil if the version itself is gone.
    func missingFiles(_ dataset: Dataset, of version: RetainedVersion) throws(TidemillError) -> [String]?
    /// Makes a retained version the table again, under a new generation. Doing it twice changes nothing.
    func rollBack(
        _ dataset: Dataset, to version: RetainedVersion, generation: UInt64
    ) throws(TidemillError)
    /// Takes a table of this generation out of its place: it was made after the epoch that is gone back to.
    func setAside(_ dataset: Dataset, generation: UInt64) throws(TidemillError)
    /// Bytes on the disk that only the retained version keeps alive.
    func bytesHeld(_ dataset: Dataset, by version: RetainedVersion) throws(TidemillError) -> Int64
}

extension Connectors {
    public func checkTarget(_ dataset: Dataset, generation: UInt64, startsOver: Bool) throws(TidemillError) {}
    public func checkCopy(_ sink: SinkDefinition, generation: UInt64) throws(TidemillError) {}
    public func isStored(_ dataset: Dataset) throws(TidemillError) -> Bool { try storedTable(dataset) != nil }
}

/// Where a copy of a table is kept (`CREATE SINK`): rewritten as a whole when the table has changed.
public protocol CopyTarget: AnyObject, Sendable {
    /// Removes what a crash left behind.
    func recover() throws(TidemillError)
    func publishedEpoch() throws(TidemillError) -> Epoch?
    func publish(
        _ epoch: Epoch, schema: Schema, batches: [Batch]
    ) throws(TidemillError) -> PublishReport
}
