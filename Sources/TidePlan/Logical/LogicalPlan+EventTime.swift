// The operators that know event time.

extension LogicalPlan {
    /// `WATERMARK column DELAY OF …`: rows pass through; the largest value of the column, less the delay, is how far
    /// event time has come.
    public struct Watermark: Hashable, Sendable {
        public var input: LogicalPlan
        /// A timestamp column of the input.
        public var column: Int
        /// Milliseconds, not negative.
        public var delayMillis: Int64
        public init(input: LogicalPlan, column: Int, delayMillis: Int64) {
            self.input = input
            self.column = column
            self.delayMillis = delayMillis
        }
    }

    /// Sliding windows: each row once for every window that contains its time, with that window as the last column.
    /// Rows without a time fall into none.
    public struct TimeWindows: Hashable, Sendable {
        public var input: LogicalPlan
        /// A timestamp over the input.
        public var time: BoundExpression
        /// Microseconds; the slide is at most the size.
        public var size: Int64
        public var slide: Int64
        public var offset: Int64
        public init(input: LogicalPlan, time: BoundExpression, size: Int64, slide: Int64, offset: Int64) {
            self.input = input
            self.time = time
            self.size = size
            self.slide = slide
            self.offset = offset
        }
        public var field: Field { Field("window", .timeWindow, nullable: false) }
    }

    /// Rows whose key is new. Without `withinMillis` a key is remembered for ever, or as long as the watermark has not
    /// passed an event time in it; with it, until the watermark passes the row's event time by so much.
    public struct Deduplicate: Hashable, Sendable {
        public var input: LogicalPlan
        /// Columns of the input, in no particular order. Empty: the whole relation has one key.
        public var keys: [Int]
        /// `drop_duplicates_within_watermark`.
        public var isWithinWatermark: Bool
        public init(input: LogicalPlan, keys: [Int], isWithinWatermark: Bool) {
            self.input = input
            self.keys = keys
            self.isWithinWatermark = isWithinWatermark
        }
    }
}
