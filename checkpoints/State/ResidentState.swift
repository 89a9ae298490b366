import TideColumns

/// State that is in memory as a whole, by address: what a flush may write instead of what the log has gathered.
/// Asked by the control thread between epochs.
public protocol ResidentState {
    /// How many rows an address has, or a few more; nil if not all of them are in memory, or an epoch is under way.
    func residentRows(of address: StateAddress) -> Int?
    /// All of them, sorted by hash; none is a tombstone.
    func residentBatches(of address: StateAddress) throws(TidemillError) -> [Batch]
}
