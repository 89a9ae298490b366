/// What a row's mark says, in an operator whose rows may leave memory.
///
///     bit 31      the epoch in hand has touched the row; bits 0-30 are its position among the touched rows
///     otherwise   bit 30: the row is dead, kept so that nobody finds the older row that a run still has
///                 bits 0-29: the stamp, when the row was last changed; 0 only in a row that was just inserted
///
/// A row is clean if the runs hold it as it is: its stamp is not above that of the epoch flushed last. Only clean rows
/// may leave memory. The highest stamp stands for all epochs from 2^30 - 3 on and is never clean.
enum RowStamp {
    static let touchedBit: UInt32 = 1 << 31
    static let deadBit: UInt32 = 1 << 30
    private static let stampMask = deadBit - 1
    /// Of rows that were read from runs.
    static let clean: UInt32 = 1

    static func of(_ epoch: Epoch) -> UInt32 { UInt32(min(Int64(stampMask), epoch.rawValue + 2)) }

    @inline(__always) static func stamp(_ mark: UInt32) -> UInt32 { mark & stampMask }

    @inline(__always) static func isClean(_ mark: UInt32, through flushed: UInt32) -> Bool {
        let stamp = mark & stampMask
        return stamp <= flushed && stamp != stampMask && mark & touchedBit == 0
    }
}
