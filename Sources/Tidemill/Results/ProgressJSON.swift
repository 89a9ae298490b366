/// Progress as Spark's StreamingQueryProgress has it: one object per flow and epoch. Ours beyond Spark's: `table`,
/// `inputBytes`, `badRows`, `droppedRows`,
/// `changedFiles`, `logBytes`.
public enum ProgressJSON {
    public static func lines(_ progress: EpochProgress) -> String {
        var text = ""
        for flow in progress.flows {
            var json = JSONText()
            json.object { json in write(flow, progress, &json) }
            text += json.text + "\n"
        }
        return text
    }

    private static func write(
        _ flow: EpochProgress.FlowProgress, _ progress: EpochProgress, _ json: inout JSONText
    ) {
        let durations = progress.durations
        let total = durations.planMillis + durations.executeMillis + durations.commitMillis
        json.key("name")
        json.string(flow.name)
        json.key("table")
        json.string(flow.table)
        json.key("timestamp")
        json.string(timestamp(progress.clockMicros))
        json.key("batchId")
        json.integer(progress.epoch.rawValue)
        json.key("batchDuration")
        json.integer(Int64(total))
        json.key("numInputRows")
        json.integer(flow.inputRows)
        json.key("processedRowsPerSecond")
        json.double(total > 0 ? Double(flow.inputRows) / total * 1000 : 0)
        json.key("durationMs")
        json.object { json in
            for (name, millis) in [
                ("latestOffset", durations.planMillis), ("addBatch", durations.executeMillis),
                ("walCommit", durations.commitMillis), ("triggerExecution", total),
            ] {
                json.key(name)
                json.integer(Int64(millis))
            }
        }
        if let eventTime = flow.eventTime {
            json.key("eventTime")
            json.object { json in write(eventTime, &json) }
        }
        json.key("stateOperators")
        json.array { json in
            for state in flow.stateOperators {
                json.object { json in
                    json.key("operatorName")
                    json.string(state.name)
                    json.key("numRowsTotal")
                    json.integer(state.rowsTotal)
                    json.key("numRowsUpdated")
                    json.integer(state.rowsUpdated)
                    json.key("memoryUsedBytes")
                    json.integer(state.memoryBytes)
                    if let counts = state.counts { write(counts, of: state, &json) }
                    json.key("customMetrics")
                    json.object { json in
                        json.key("rowsInMemory")
                        json.integer(state.rowsInMemory)
                        if let counts = state.counts {
                            json.key("numDroppedDuplicateRows")
                            json.integer(counts.duplicates)
                        }
                    }
                }
            }
        }
        json.key("sources")
        json.array { json in
            for source in flow.sources {
                json.object { json in
                    json.key("description")
                    json.string(source.description)
                    json.key("startOffset")
                    json.raw(source.startOffset)
                    json.key("endOffset")
                    json.raw(source.endOffset)
                    json.key("numInputRows")
                    json.integer(source.rows)
                    json.key("inputBytes")
                    json.integer(source.bytes)
                }
            }
        }
        json.key("sink")
        json.object { json in
            json.key("description")
            json.string("ParquetTable[\(flow.table)]")
            json.key("numOutputRows")
            json.integer(flow.outputRows)
        }
        json.key("badRows")
        json.integer(progress.badRows)
        json.key("droppedRows")
        json.integer(progress.droppedRows)
        json.key("changedFiles")
        json.integer(flow.changedFiles)
        json.key("logBytes")
        json.integer(progress.logBytes)
    }

    /// Spark gives the least, greatest and average event time only if there was one. Ours beyond Spark's: `sources`.
    private static func write(_ eventTime: EpochProgress.EventTimeProgress, _ json: inout JSONText) {
        for (name, millis) in [
            ("avg", eventTime.average), ("max", eventTime.greatest), ("min", eventTime.least),
            ("watermark", eventTime.watermarkMillis),
        ] {
            guard let millis else { continue }
            json.key(name)
            json.string(timestamp(millis &* 1000))
        }
        json.key("sources")
        json.array { json in
            for source in eventTime.sources {
                json.object { json in
                    json.key("column")
                    json.string(source.name)
                    json.key("watermark")
                    if let millis = source.watermarkMillis {
                        json.string(timestamp(millis &* 1000))
                    } else {
                        json.raw("null")
                    }
                    json.key("idle")
                    json.raw(source.isIdle ? "true" : "false")
                    json.key("holds")
                    json.raw(source.holds ? "true" : "false")
                }
            }
        }
    }

    /// Spark's numbers, and `numLateRows`: every row that came too late, where Spark counts an aggregation's groups.
    private static func write(
        _ counts: OperatorClock.Counts, of state: EpochProgress.StateProgress, _ json: inout JSONText
    ) {
        for (name, value) in [
            ("numRowsRemoved", counts.removed), ("numRowsDroppedByWatermark", counts.lateKeys),
            ("numLateRows", counts.lateRows),
        ] {
            json.key(name)
            json.integer(value)
        }
        if let millis = state.watermarkMillis {
            json.key("watermark")
            json.string(timestamp(millis &* 1000))
        }
    }

    /// ISO 8601 with milliseconds, UTC.
    static func timestamp(_ micros: Int64) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { buffer in
            let millis = micros - (micros % 1000 + 1000) % 1000
            let n = FormatText.timestampISO(millis, zone: true, buffer.baseAddress!)
            return String(decoding: UnsafeBufferPointer(start: buffer.baseAddress, count: n), as: UTF8.self)
        }
    }
}
