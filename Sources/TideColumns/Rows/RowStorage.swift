import Glibc

/// Rows of one size at fixed addresses, by number. Freed rows form a list through their own first word and are reused
/// before new memory is taken.
///
///     pages:  address of row 256·i; a page lies inside one chunk
///     chunks: grow with the table (a sixteenth of what is there), up to 2 MiB each
///
/// Chunks of one fixed size wasted 650 kB for every small table; addressing growing chunks by the number's highest bit
/// costs a shift more per access than the page list, whose 31 bytes per thousand rows stay in the cache.
///
/// The owner calls `deallocate`; numbers passed in were handed out by `take` and not given back.
struct RowStorage {
    private struct Chunk {
        var base: UnsafeMutableRawPointer
        var pages: Int
        var byteCount: Int
    }
    private let stride: Int
    private var pages: UnsafeMutablePointer<UnsafeMutableRawPointer>
    private var pageCount = 0
    private var pageCapacity = RowStorage.pageCapacityMin
    private var chunks: [Chunk] = []
    private var chunkBytes = 0
    /// Numbers below this have been handed out.
    private(set) var used = 0
    /// First free row, as number + 1.
    private var firstFree: UInt32 = 0
    private(set) var freeCount = 0

    private static let pageBits = 8
    private static let pageCapacityMin = 16
    static let pageRows = 1 << pageBits

    init(stride: Int) {
        self.stride = stride
        pages = .allocate(capacity: pageCapacity)
    }
    func deallocate() {
        for chunk in chunks { LargeMemory.deallocate(chunk.base, byteCount: chunk.byteCount) }
        pages.deallocate()
    }

    var byteCount: Int { chunkBytes + pageCapacity * 8 + [Chunk].grownBytes(chunks.count) }

    @inline(__always) func address(_ number: UInt32) -> UnsafeMutableRawPointer {
        pages[Int(number) &>> RowStorage.pageBits] + (Int(number) & (RowStorage.pageRows - 1)) &* stride
    }

    /// A row's number; its bytes are whatever was there.
    @inline(__always) mutating func take() -> UInt32 {
        if firstFree != 0 {
            let number = firstFree - 1
            firstFree = address(number).load(as: UInt32.self)
            freeCount -= 1
            return number
        }
        if used == pageCount << RowStorage.pageBits { addChunk() }
        defer { used += 1 }
        return UInt32(used)
    }

    mutating func giveBack(_ number: UInt32) {
        address(number).storeBytes(of: firstFree, as: UInt32.self)
        firstFree = number + 1
        freeCount += 1
    }

    @inline(never) private mutating func addChunk() {
        precondition(used < Int(UInt32.max) - RowStorage.pageRows, "a partition holds at most 2^32 rows")
        let pageBytes = RowStorage.pageRows * stride
        let most = max(1, LargeMemory.hugePageBytes / pageBytes)
        let count = min(most, max(1, pageCount / 16))
        // The last step makes whole huge pages.
        let size = count == most ? max(LargeMemory.hugePageBytes, pageBytes) : count * pageBytes
        let base = LargeMemory.allocateZeroed(size)
        chunks.append(Chunk(base: base, pages: count, byteCount: size))
        chunkBytes += LargeMemory.reservedBytes(size)
        if pageCount + count > pageCapacity {
            let capacity = max(pageCapacity * 2, pageCount + count)
            let larger = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: capacity)
            for i in 0..<pageCount { larger[i] = pages[i] }
            pages.deallocate()
            pages = larger
            pageCapacity = capacity
        }
        for page in 0..<count { pages[pageCount + page] = base + page * pageBytes }
        pageCount += count
    }

    // MARK: Compaction

    /// The free numbers below `limit`.
    func freeNumbers(below limit: Int) -> [UInt32] {
        var numbers: [UInt32] = []
        var next = firstFree
        while next != 0 {
            if Int(next - 1) < limit { numbers.append(next - 1) }
            next = address(next - 1).load(as: UInt32.self)
        }
        return numbers
    }

    /// Forgets every row from number `rows` on and all free ones, and gives back the chunks behind them.
    mutating func truncate(to rows: Int) {
        used = rows
        firstFree = 0
        freeCount = 0
        let needed = (rows + RowStorage.pageRows - 1) >> RowStorage.pageBits
        while let last = chunks.last, pageCount - last.pages >= needed {
            LargeMemory.deallocate(last.base, byteCount: last.byteCount)
            chunkBytes -= LargeMemory.reservedBytes(last.byteCount)
            pageCount -= last.pages
            chunks.removeLast()
        }
        if pageCount > 0 { return }
        chunks = []
        pages.deallocate()
        pageCapacity = RowStorage.pageCapacityMin
        pages = .allocate(capacity: pageCapacity)
    }
}
