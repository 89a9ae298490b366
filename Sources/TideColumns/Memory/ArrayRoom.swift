extension Array {
    /// Bytes that the elements of an array take once it has grown to `count` of them by appending: the next power of
    /// two.
    ///
    /// An array's `capacity` also tells what the allocator had lying about, a few bytes more in one run than in the
    /// next. State that counted it would leave memory at another moment, or be named in another order, each time the
    /// same input is read.
    public static func grownBytes(_ count: Int) -> Int {
        count == 0 ? 0 : (1 << (Int.bitWidth - (count - 1).leadingZeroBitCount)) * MemoryLayout<Element>.stride
    }
}
