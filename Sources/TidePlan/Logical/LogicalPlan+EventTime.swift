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

    /// Rows through an operator with state per key: the functions `tidemill_in_order`, `tidemill_silent` and
    /// `tidemill_new_values`. Its rows are the input's, with one more column if the rule has one.
    public struct Keyed: Hashable, Sendable {
        public enum Rule: Hashable, Sendable {
            /// Rows of a key in the order of event time, when the watermark has passed them.
            case inOrder
            /// The newest row of a key of which nothing came for so long.
            case silent(micros: Int64)
            /// Rows whose value in `column` the key has not shown for so long.
            case newValues(column: Int, micros: Int64)
        }
        public var input: LogicalPlan
        /// Columns of the input.
        public var keys: [Int]
        public var rule: Rule
        public init(input: LogicalPlan, keys: [Int], rule: Rule) {
            self.input = input
            self.keys = keys
            self.rule = rule
        }
        /// The input's event time, by which the rule goes; nil: it goes by processing time.
        public var timeColumn: Int? {
            if case .newValues = rule { return nil }
            return EventTime(of: input).columns.first
        }
        public var field: Field? {
            switch rule {
            case .inOrder: nil
            case .silent: Field("silent_at", .timestamp, nullable: false)
            case .newValues: Field("known_values", .bigint, nullable: false)
            }
        }
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
