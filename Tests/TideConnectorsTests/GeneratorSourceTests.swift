import Testing
import TideColumns
import TideSimulation

@testable import TideConnectors

/// Sources that compute their rows. Expected numbers are counted by hand from the proportions and from Spark's rule.
@Suite struct GeneratorSourceTests {
    let machine = Machine()

    private func source(
        _ format: String, _ name: String = "t", _ options: [String: String] = [:], schema: Schema? = nil
    ) throws -> any Source {
        try makeGeneratorSource(
            format: format, name: name, options: options, schema: schema, environment: machine.environment
        ).source
    }

    private func rows(_ source: any Source, _ splits: [SourceSplit]) throws -> [[Scalar]] {
        var rows: [[Scalar]] = []
        for split in splits {
            let reader = try source.open(split, columns: Array(source.schema.fields.indices))
            while let batch = try reader.next() {
                for row in 0..<batch.count { rows.append(batch.columns.map { $0.scalar(row) }) }
            }
        }
        return rows
    }

    /// Everything, in epochs of `step` events, restored from the ledger after each.
    private func inEpochs(_ name: String, _ step: Int64) throws -> [[Scalar]] {
        var all: [[Scalar]] = []
        var ledgers: [Batch] = []
        while true {
            let source = try source("nexmark", name, ["events": "1003"])
            for ledger in ledgers { try source.restore(ledger: ledger) }
            guard let plan = try source.plan(limit: RateLimit(rowsMax: step), until: nil) else { break }
            all += try rows(source, plan.splits)
            try source.commit(plan)
            #expect(try rows(source, source.replay()) == all)
            ledgers.append(source.ledger())
        }
        return all
    }

    @Test(arguments: [(NexmarkStream.person, 21), (.auction, 62), (.bid, 920)])
    func streamsHaveTheirProportions(_ stream: NexmarkStream, _ count: Int) throws {
        // 1003 events: 20 times 50, then a person and two auctions.
        let source = try source("nexmark", stream.rawValue, ["events": "1003"])
        let plan = try #require(try source.plan(limit: RateLimit(), until: nil))
        #expect(plan.startOffset == #"{"events":0}"# && plan.endOffset == #"{"events":1003}"# && !plan.hasMore)
        let all = try rows(source, plan.splits)
        #expect(all.count == count)
        #expect(try inEpochs(stream.rawValue, 1) == all)
        #expect(try inEpochs(stream.rawValue, 77) == all)
    }

    @Test func eventsFollowTheRules() throws {
        let auctions = try source("nexmark", "auction", ["events": "100000"])
        let opened = try rows(auctions, auctions.snapshot().splits)
        #expect(opened.map { $0[0].integer } == (0..<6000).map { 1000 + $0 })
        for row in opened {
            let (time, expires) = (try #require(row[5].integer), try #require(row[6].integer))
            // Up to twice the time of 1666 events, a tenth of a millisecond each, and a rounding.
            #expect(expires > time && expires - time <= 2 * 167_000)
            #expect((10...14).contains(row[8].integer ?? 0))
            #expect((row[4].integer ?? 0) > (row[3].integer ?? 0))
        }
        let bids = try source("nexmark", "bid", ["events": "100000"])
        let made = try rows(bids, bids.snapshot().splits)
        #expect(made.count == 92_000)
        #expect(made.allSatisfy { (100...100_000_000).contains($0[2].integer ?? 0) })
        #expect(made.allSatisfy { (55...82).contains($0[6].string?.utf8.count ?? 0) })
        // Half by the hot auction, 3/4 by the hot person, half through one of four channels; ± 5 standard deviations.
        let hotAuctions = made.count { ($0[0].integer ?? 1) % 100 == 0 }
        let hotPersons = made.count { ($0[1].integer ?? 0) % 100 == 1 }
        let hotChannels = made.count { !($0[3].string ?? "").hasPrefix("channel-") }
        #expect((45_200...48_000).contains(hotAuctions))
        #expect((68_300...70_500).contains(hotPersons))
        #expect((45_200...46_800).contains(hotChannels))
        #expect(Set(made.map { $0[6].string }).count > 91_000)
    }

    @Test func declaredColumnsAreChosenByName() throws {
        let schema = Schema([Field("PRICE", .bigint), Field("auction", .bigint)])
        let chosen = try source("nexmark", "b", ["events": "60", "stream": "bid"], schema: schema)
        let all = try source("nexmark", "bid", ["events": "60"])
        let wanted = try rows(all, all.snapshot().splits).map { [$0[2], $0[0]] }
        #expect(try rows(chosen, chosen.snapshot().splits) == wanted)
        for (field, code) in [(Field("cost", .bigint), "no column"), (Field("price", .double), "not DOUBLE")] {
            let error = try #require(throws: TidemillError.self) {
                try source("nexmark", "bid", schema: Schema([field]))
            }
            #expect(error.code == "TIDEMILL_GENERATOR_COLUMN" && error.message.contains(code))
        }
    }

    /// A run that must end takes one step of what has no end.
    @Test func endlessStreamsStopAtTheHorizon() throws {
        let source = try source("nexmark", "bid")
        let horizon = try source.horizon()
        let plan = try #require(try source.plan(limit: RateLimit(rowsMax: 500), until: horizon))
        #expect(plan.endOffset == #"{"events":500}"#)
        try source.commit(plan)
        #expect(try source.plan(limit: RateLimit(rowsMax: 500), until: horizon) == nil)
        #expect(try source.plan(limit: RateLimit(rowsMax: 500), until: nil)?.startOffset == #"{"events":500}"#)
    }

    @Test func rateFollowsTheClock() throws {
        let begin = machine.clock.now()
        var source = try source("rate", "r", ["rowsPerSecond": "3"])
        // The first epoch remembers when the source began, and has no rows.
        let first = try #require(try source.plan(limit: RateLimit(), until: nil))
        #expect(first.splits.isEmpty)
        try source.commit(first)
        machine.clock.advance(micros: 2_500_000)
        let ledger = source.ledger()
        source = try self.source("rate", "r", ["rowsPerSecond": "3"])
        try source.restore(ledger: ledger)
        let plan = try #require(try source.plan(limit: RateLimit(), until: nil))
        #expect(plan.endOffset == #"{"seconds":2}"#)
        let made = try rows(source, plan.splits)
        #expect(made.map { $0[1].integer } == [0, 1, 2, 3, 4, 5])
        // Thirds of a second, to the nearest millisecond.
        #expect(made.map { ($0[0].integer ?? 0) - begin } == [0, 333, 667, 1000, 1333, 1667].map { $0 * 1000 })
        try source.commit(plan)
        #expect(try source.plan(limit: RateLimit(), until: nil) == nil)
    }

    /// 10 rows per second after 4 seconds: the speed grows by 10 / 5 = 2 rows, so 2, 4, 6, 8, then 10 rows.
    @Test func rateRampsUp() throws {
        let source = try source("rate", "r", ["rowsPerSecond": "10", "rampUpTime": "4s"])
        let first = try #require(try source.plan(limit: RateLimit(), until: nil))
        try source.commit(first)
        var counts: [Int] = []
        for _ in 0..<6 {
            machine.clock.advance(micros: 1_000_000)
            let plan = try #require(try source.plan(limit: RateLimit(), until: nil))
            counts.append(try rows(source, plan.splits).count)
            try source.commit(plan)
        }
        #expect(counts == [2, 4, 6, 8, 10, 10])
    }

    @Test(arguments: [
        ("rate", ["rowsPerSecond": "0"]), ("rate", ["rampUpTime": "soon"]), ("nexmark", ["events": "-1"]),
        ("nexmark", ["startTime": "noon"]), ("nexmark", ["seed": "x"]), ("nexmark", ["stream": "bids"]),
        ("nexmark", ["eventsPerSecond": "9999999999"]),
    ]) func badOptionsAreErrors(_ format: String, _ options: [String: String]) throws {
        let error = try #require(throws: TidemillError.self) { try source(format, "bid", options) }
        #expect(error.code == "TIDEMILL_BAD_OPTION")
    }
}
