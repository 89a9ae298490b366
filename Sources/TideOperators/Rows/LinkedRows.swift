import TideColumns

/// Rows in doubly linked lists, one list per row of another table:
///
///     index:   key row | … first entry, address …
///     entries: row | … next entry | previous entry | key row …      three addresses in a row
///
/// How they give memory back when many rows have gone: what refers to a row that moves is set right.
enum LinkedRows {
    /// Between epochs. Every entry stands in a list.
    /// - Parameters:
    ///   - head: where a key row has its first entry.
    ///   - links: where an entry has its three addresses.
    /// - Returns: whether addresses that somebody else keeps are of no use any more.
    @discardableResult
    static func settle(index: RowTable, head: Int, entries: RowTable, links: Int) -> Bool {
        let entriesMoved = entries.settle { old, new in
            let next = address(new, links)
            if let previous = address(new, links + 8) {
                set(previous, links, new)
            } else if let key = address(new, links + 16) {
                set(key, head, new)
            }
            if let next { set(next, links + 8, new) }
        }
        let keysMoved = index.settle { old, new in
            var entry = address(new, head)
            while let current = entry {
                set(current, links + 16, new)
                entry = address(current, links)
            }
        }
        return entriesMoved || keysMoved
    }

    private static func address(_ row: UnsafeMutableRawPointer, _ at: Int) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: row.load(fromByteOffset: at, as: UInt.self))
    }
    private static func set(_ row: UnsafeMutableRawPointer, _ at: Int, _ to: UnsafeMutableRawPointer) {
        row.storeBytes(of: UInt(bitPattern: to), toByteOffset: at, as: UInt.self)
    }
}
