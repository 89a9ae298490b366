import TideColumns

/// One fault of one record.
struct BadRecord {
    enum Fault {
        /// The record as a whole, e.g. "has only 2 fields".
        case record(String)
        /// The text of one field is no value of its column's type.
        case field(start: UInt32, word: UInt32)
        /// A NOT NULL column would be NULL.
        case null
    }
    var row: Int
    /// Schema index of the column that is wrong.
    var column: Int?
    var fault: Fault
}

/// Makes a batch from a slice of fields, and does with bad records what the mode says.
///
/// A record may have several faults: it counts once, with the first of them in column order.
struct RecordAssembler {
    let schema: Schema
    /// Schema indices of the batch's columns, in the batch's order.
    let columns: [Int]
    /// Schema columns that are decoded; position = slot of the field runs.
    let decoded: [Int]
    let mode: BadRecordMode
    private(set) var report = ReadReport()

    init(schema: Schema, columns: [Int], decoded: [Int], mode: BadRecordMode) {
        self.schema = schema
        self.columns = columns
        self.decoded = decoded
        self.mode = mode
    }

    mutating func setHeader(mismatch: [String], warning: String?) {
        report.headerMismatch = mismatch
        report.headerWarning = warning
    }

    /// The batch, or nil if no row is left.
    /// - Parameters:
    ///   - faults: what the tokenizer found, by row.
    ///   - decode: the column of a slot, and the rows whose text is no value of its type.
    mutating func assemble(
        _ runs: inout FieldRuns, faults: [BadRecord], window: TextWindow,
        decode: (Int, FieldRuns) -> (column: Column, failures: [UInt32])
    ) throws(TidemillError) -> Batch? {
        report.rows += runs.count
        var result = decoded.indices.map { decode($0, runs) }
        var bad = faults
        var rejected: [Int] = []
        for (slot, field) in decoded.enumerated() {
            for row in result[slot].failures {
                let fault = BadRecord.Fault.field(
                    start: runs.starts(slot)[Int(row)], word: runs.words(slot)[Int(row)])
                bad.append(BadRecord(row: Int(row), column: field, fault: fault))
            }
            guard !schema[field].nullable, let validity = result[slot].column.validity else { continue }
            for row in 0..<runs.count where !validity[row] {
                bad.append(BadRecord(row: row, column: field, fault: .null))
                rejected.append(row)
            }
        }
        if bad.isEmpty { return batch(result, runs, window, bad: []) }

        bad.sort { ($0.row, $0.column ?? -1) < ($1.row, $1.column ?? -1) }
        var badRows: [Int] = []
        for record in bad where badRows.last != record.row {
            badRows.append(record.row)
            try note(record, runs, window)
        }
        let dropped = Set(mode == .dropMalformed ? badRows : rejected)
        guard !dropped.isEmpty else { return batch(result, runs, window, bad: badRows) }
        var newNumber: [Int: Int] = [:]
        var kept = 0
        for row in 0..<runs.count where !dropped.contains(row) {
            newNumber[row] = kept
            kept += 1
        }
        if kept == 0 { return nil }
        // Decoding again is simpler than gathering from columns, and slices with dropped rows are rare.
        runs.compact { !dropped.contains($0) }
        result = decoded.indices.map { decode($0, runs) }
        return batch(result, runs, window, bad: badRows.compactMap { newNumber[$0] })
    }

    private func batch(
        _ decodedColumns: [(column: Column, failures: [UInt32])], _ runs: FieldRuns, _ window: TextWindow, bad: [Int]
    ) -> Batch {
        let output = columns.map { field in
            decoded.firstIndex(of: field).map { decodedColumns[$0].column } ?? corruptRecords(bad, runs, window)
        }
        return Batch(columns: output, count: runs.count)
    }

    private mutating func note(
        _ record: BadRecord, _ runs: FieldRuns, _ window: TextWindow
    ) throws(TidemillError) {
        report.badRows += 1
        guard mode == .failFast || report.samples.count < ReadReport.samplesMax else { return }
        let (start, end) = runs.bounds[record.row]
        let line = window.line(at: Int(start))
        let name = record.column.map { schema[$0].name }
        let length = min(Int(end - start), ReadReport.textBytesMax)
        let bytes = UnsafeBufferPointer(start: window.bytes + Int(start), count: length)
        let text = String(decoding: bytes, as: UTF8.self)
        let reason = reason(of: record, runs, window)
        if report.samples.count < ReadReport.samplesMax {
            report.samples.append(.init(line: line, column: name, reason: reason, text: text))
        }
        guard mode == .failFast else { return }
        let subject = name.map { "column '\($0)' \(reason)" } ?? reason
        throw TidemillError(
            .data, "MALFORMED_RECORD_IN_PARSING", subject, detail: "record: \(text)",
            hint: "mode 'PERMISSIVE' reads such values as NULL, 'DROPMALFORMED' leaves the record out",
            place: .file(window.path, line: line))
    }

    private func reason(of record: BadRecord, _ runs: FieldRuns, _ window: TextWindow) -> String {
        switch record.fault {
        case .record(let reason): return "the record \(reason)"
        case .null: return "is NULL, but the column is NOT NULL"
        case .field(let start, let word):
            let base = word & FieldRuns.side == 0 ? window.bytes : runs.sideText.bytes
            let length = min(Int(word & FieldRuns.lengthMask), 60)
            let text = String(decoding: UnsafeBufferPointer(start: base + Int(start), count: length), as: UTF8.self)
            return "is no \(record.column.map { schema[$0].type.sql } ?? "value"): '\(text)'"
        }
    }

    /// The text of the bad records; NULL for the others.
    private func corruptRecords(_ bad: [Int], _ runs: FieldRuns, _ window: TextWindow) -> Column {
        var builder = StringColumnBuilder(type: .string, capacity: runs.count)
        let isBad = Bitmap(repeating: false, count: runs.count)
        for row in bad { isBad.words[row >> 6] |= 1 << UInt64(row & 63) }
        for row in 0..<runs.count {
            guard isBad[row] else {
                builder.appendEmpty()
                continue
            }
            let (start, end) = runs.bounds[row]
            let text = UnsafeRawBufferPointer(start: window.bytes + Int(start), count: Int(end - start))
            if let repaired = repairingUTF8(text) {
                repaired.withUnsafeBytes { builder.append($0) }
            } else {
                builder.append(text)
            }
        }
        return builder.finish(validity: isBad)
    }
}
