// Order and equality of values. NaN equals itself and is larger than any other number; zeros are equal (Spark's order).

struct EqualRule<T: Equatable & BitwiseCopyable>: PairPredicate {
    func test(_ l: T, _ r: T) -> Bool { l == r }
}
struct LessRule<T: Comparable & BitwiseCopyable>: PairPredicate {
    func test(_ l: T, _ r: T) -> Bool { l < r }
}
struct LessOrEqualRule<T: Comparable & BitwiseCopyable>: PairPredicate {
    func test(_ l: T, _ r: T) -> Bool { l <= r }
}

struct FloatEqualRule<T: PhysicalFloat>: PairPredicate {
    func test(_ l: T, _ r: T) -> Bool { (l == r) != ((l != l) && (r != r)) }
}
struct FloatLessRule<T: PhysicalFloat>: PairPredicate {
    func test(_ l: T, _ r: T) -> Bool { (l < r) != ((r != r) && (l == l)) }
}
struct FloatLessOrEqualRule<T: PhysicalFloat>: PairPredicate {
    // r NaN: always. l NaN, r not: never. Otherwise IEEE's.
    func test(_ l: T, _ r: T) -> Bool { (l <= r) != (r != r) }
}

struct PositiveRule: ValuePredicate {
    func test(_ x: Double) -> Bool { x > 0 }
}
struct IsNaNRule<T: PhysicalFloat>: ValuePredicate {
    func test(_ x: T) -> Bool { x != x }
}
