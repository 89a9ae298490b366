/// Facts in which Tidemill knowingly differs from Spark, with the reason.
enum KnownDifferences {
    static let table: [String: String] = [
        // Java's BigDecimal refuses this division; the remainder exists.
        "cast(99999999999999999999999999999999999999 AS decimal(38,0)) % cast(0.07 AS decimal(38,18))":
            "decimal(38,18) 0.020000000000000000",
        // A bare NULL is a boolean wherever a condition stands, as Spark has it in WHERE and if().
        "CASE WHEN NULL THEN 1 ELSE 2 END": "int 2",
        // Both refuse; Spark sees a timestamp addition first.
        "INTERVAL '1' MONTH + INTERVAL '1' DAY": "! !DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
    ]
}
