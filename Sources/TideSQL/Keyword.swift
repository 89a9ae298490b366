/// Words the grammar knows. None is reserved outright: as in Spark's default mode, each may also be a name, and the
/// parser decides by what follows (see `Parser+Names.swift`).
enum Keyword: String, CaseIterable, Sendable {
    case aggregate, all, alter, and, anti, any, apply, `as`, asc, auto
    case between, both, bucket, by
    case cache, `case`, cast, catalog, cdc, check, cluster, clustered, codegen, collate, columns
    case comment, constraint, cost, create, cross, cube, current
    case database, date, `default`, delay, delete, desc, describe, distinct, distribute, div, drop
    case `else`, end, escape, except, exclude, exists, expect, explain, extend, extended, external
    case extract
    case `false`, filter, first, flow, following, `for`, format, formatted, from, full, function
    case generated, global, group, grouping
    case having
    case `if`, ignore, ilike, `in`, include, inner, insert, intersect, interval, into, `is`
    case join
    case key, keys
    case last, lateral, leading, left, level, like, limit, live, location
    case map, materialized, max, merge, minus
    case name, namespace, natural, not, null, nulls
    case of, offset, on, options, or, order, out, outer, over, overlay
    case partition, partitioned, percent, pivot, placing, position, preceding, primary
    case qualify
    case range, recursion, recursive, refresh, regexp, repeatable, replace, respect, right, rlike
    case rollup, row, rows
    case scd, schema, select, semi, sequence, set, sets, sink, some, sort, stored, stream, streaming
    case substr, substring
    case table, tablesample, tblproperties, temp, temporary, then, time, timestamp, to, track
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case trailing, trim, `true`, truncate, try_cast, type
    case unbounded, union, unique, unknown, unpivot, update, use, using
    case values, version, view
    case watermark, when, `where`, window, with, within, without
    case zone

    /// Upper case, as messages show it.
    var text: String { rawValue.uppercased() }

    private static let byName: [String: Keyword] = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0.rawValue, $0) })
    private static let lengthMax = allCases.reduce(0) { Swift.max($0, $1.rawValue.utf8.count) }

    init?(word bytes: ArraySlice<UInt8>) {
        guard bytes.count <= Keyword.lengthMax else { return nil }
        let lower = String(decoding: bytes.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }, as: UTF8.self)
        guard let keyword = Keyword.byName[lower] else { return nil }
        self = keyword
    }
}
