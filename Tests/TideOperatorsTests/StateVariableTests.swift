import Testing
import TideSimulation

@testable import TideOperators

/// Drawn operations on values, lists, maps and timers, with state that goes through blocks now and then, against
/// dictionaries and arrays.
@Suite struct StateVariableTests {
    private struct Entry: Hashable {
        var value: String?
        var expiry: Int64
    }
    private static let keys: [DataType] = [.string, .int]

    private func keyColumns(_ keys: [Int]) -> [Column] {
        [
            Column(.string, keys.map { $0 == 0 ? .null(.string) : .string("a key of many bytes, number \($0)") }),
            Column(.int, keys.map { .int(Int32($0 % 3)) }),
        ]
    }
    private func texts(_ values: [String?]) -> Column {
        Column(.string, values.map { $0.map { .string($0) } ?? .null(.string) })
    }
    private func text(_ generator: inout SeededGenerator) -> String? {
        let number = Int.random(in: 0..<1000, using: &generator)
        return number % 7 == 0 ? nil : String(repeating: "v\(number) ", count: 1 + number % 9)
    }

    /// A variable and all that it wrote to the checkpoint.
    private final class Checkpointed {
        var variable: StateVariable
        var blocks: [Batch] = []
        let make: () -> StateVariable
        init(_ make: @escaping () -> StateVariable) {
            self.make = make
            variable = make()
        }
        func endEpoch(restarts: Bool) {
            blocks += variable.stateChanges()
            variable.endEpoch()
            guard restarts else { return }
            variable = make()
            for block in blocks { variable.restore(block) }
        }
    }

    @Test(arguments: 0..<20) func values(_ seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let state = Checkpointed {
            StateVariable(.value, keys: StateVariableTests.keys, values: [.string], leadBits: 0)
        }
        var model: [Int: Entry] = [:]
        for epoch in 0..<60 {
            let now = Int64(epoch) * 1_000_000
            for _ in 0..<Int.random(in: 0..<4, using: &generator) {
                let drawn = (0..<Int.random(in: 1..<40, using: &generator)).map { _ in
                    Int.random(in: 0..<50, using: &generator)
                }
                let isRemoval = Int.random(in: 0..<3, using: &generator) == 0
                if isRemoval {
                    let found = state.variable.find(keys: keyColumns(drawn), count: drawn.count, now: now)
                    state.variable.remove(found.compactMap { $0 })
                    for key in drawn where (model[key]?.expiry ?? .min) > now { model[key] = nil }
                } else {
                    let lives = Bool.random(using: &generator)
                    let expiry = lives ? .max : now + Int64.random(in: 1..<9_000_000, using: &generator)
                    let values = drawn.map { _ in text(&generator) }
                    state.variable.put(
                        keys: keyColumns(drawn), values: [texts(values)], count: drawn.count, expiry: .at(expiry))
                    for (key, value) in zip(drawn, values) { model[key] = Entry(value: value, expiry: expiry) }
                }
                let all = Array(0..<50)
                let found = state.variable.find(keys: keyColumns(all), count: all.count, now: now)
                let values = state.variable.values(of: found.compactMap { $0 })[0]
                var at = 0
                for key in all {
                    let expected = model[key].flatMap { $0.expiry > now ? $0 : nil }
                    #expect((found[key] != nil) == (expected != nil), "seed \(seed) epoch \(epoch) key \(key)")
                    guard found[key] != nil else { continue }
                    #expect(values.scalar(at).string == expected?.value)
                    at += 1
                }
            }
            // As an operator does, in most epochs.
            if epoch % 3 != 2 {
                state.variable.remove(state.variable.due(through: now))
                model = model.filter { $0.value.expiry > now }
            }
            state.endEpoch(restarts: Int.random(in: 0..<5, using: &generator) == 0)
            #expect(state.variable.liveCount == model.count)
            #expect(state.variable.rows.count == model.count)
        }
        state.variable.remove(
            state.variable.find(keys: keyColumns(Array(0..<50)), count: 50, now: .min).compactMap { $0 })
        state.endEpoch(restarts: false)
        #expect(state.variable.liveCount == 0)
        #expect(state.variable.byteCount < 8192, "memory stays behind: \(state.variable.byteCount)")
    }

    @Test(arguments: 0..<20) func lists(_ seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed) &+ 100)
        let state = Checkpointed {
            StateVariable(.list, keys: StateVariableTests.keys, values: [.string], leadBits: 0)
        }
        var model: [Int: [Entry]] = [:]
        for epoch in 0..<60 {
            let now = Int64(epoch) * 1_000_000
            let drawn = (0..<Int.random(in: 1..<30, using: &generator)).map { _ in
                Int.random(in: 0..<12, using: &generator)
            }
            let expiry = Bool.random(using: &generator) ? Int64.max : now + 3_000_000
            let values = drawn.map { _ in text(&generator) }
            state.variable.append(
                keys: keyColumns(drawn), values: [texts(values)], count: drawn.count, expiry: .at(expiry))
            for (key, value) in zip(drawn, values) {
                model[key, default: []].append(Entry(value: value, expiry: expiry))
            }
            // Some from the front, some whole lists.
            let shortened = [Int.random(in: 0..<12, using: &generator), Int.random(in: 0..<12, using: &generator)]
            let count = Int.random(in: 1..<6, using: &generator)
            for key in Set(shortened) {
                let (rows, _) = state.variable.elements(of: keyColumns([key]), count: 1, now: now)
                state.variable.remove(Array(rows.prefix(count)))
                let seen = (model[key] ?? []).filter { $0.expiry > now }
                model[key] = Array(seen.dropFirst(count))
            }
            let all = Array(0..<12)
            let (rows, starts) = state.variable.elements(of: keyColumns(all), count: all.count, now: now)
            let found = state.variable.values(of: rows)[0]
            for key in all {
                let expected = (model[key] ?? []).filter { $0.expiry > now }.map(\.value)
                let given = (starts[key]..<starts[key + 1]).map { found.scalar($0).string }
                #expect(given == expected, "seed \(seed) epoch \(epoch) key \(key)")
            }
            state.variable.remove(state.variable.due(through: now))
            for key in model.keys { model[key]?.removeAll { $0.expiry <= now } }
            state.endEpoch(restarts: Int.random(in: 0..<5, using: &generator) == 0)
            #expect(state.variable.liveCount == model.values.reduce(0) { $0 + $1.count })
        }
    }

    @Test(arguments: 0..<20) func maps(_ seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed) &+ 200)
        let state = Checkpointed {
            StateVariable(.map([.bigint]), keys: StateVariableTests.keys, values: [.string], leadBits: 0)
        }
        var model: [Int: [Int64: Entry]] = [:]
        for epoch in 0..<60 {
            let now = Int64(epoch) * 1_000_000
            let n = Int.random(in: 1..<30, using: &generator)
            let drawn = (0..<n).map { _ in Int.random(in: 0..<6, using: &generator) }
            let elements = (0..<n).map { _ in Int64.random(in: 0..<9, using: &generator) }
            if epoch % 4 == 3 {
                let found = state.variable.find(
                    keys: keyColumns(drawn), elements: [Column(bigints: elements)], count: n, now: now)
                state.variable.remove(found.compactMap { $0 })
                for (key, element) in zip(drawn, elements) where (model[key]?[element]?.expiry ?? .min) > now {
                    model[key]?[element] = nil
                }
            } else {
                let values = drawn.map { _ in text(&generator) }
                let expiries = drawn.map { _ in now + Int64.random(in: 1..<6_000_000, using: &generator) }
                expiries.withUnsafeBufferPointer { times in
                    guard let base = times.baseAddress else { return }
                    state.variable.put(
                        keys: keyColumns(drawn), elements: [Column(bigints: elements)], values: [texts(values)],
                        count: n, expiry: .times(base))
                }
                for row in 0..<n {
                    model[drawn[row], default: [:]][elements[row]] = Entry(value: values[row], expiry: expiries[row])
                }
            }
            let all = Array(0..<6)
            let (rows, starts) = state.variable.elements(of: keyColumns(all), count: all.count, now: now)
            let names = state.variable.elementColumns(of: rows)[0]
            let values = state.variable.values(of: rows)[0]
            for key in all {
                var given: [Int64: String?] = [:]
                for row in starts[key]..<starts[key + 1] {
                    given[names.scalar(row).integer ?? -1] = values.scalar(row).string
                }
                let expected = (model[key] ?? [:]).filter { $0.value.expiry > now }.mapValues(\.value)
                #expect(given == expected, "seed \(seed) epoch \(epoch) key \(key)")
            }
            if epoch % 2 == 0 {
                state.variable.remove(state.variable.due(through: now))
                for key in model.keys { model[key] = model[key]?.filter { $0.value.expiry > now } }
            }
            state.endEpoch(restarts: Int.random(in: 0..<5, using: &generator) == 0)
            #expect(state.variable.liveCount == model.values.reduce(0) { $0 + $1.count })
        }
    }

    @Test(arguments: 0..<20) func timers(_ seed: Int) throws {
        struct Timer: Hashable {
            var key: Int
            var time: Int64
        }
        var generator = SeededGenerator(seed: UInt64(seed) &+ 300)
        var timers = Timers(keys: [.int], leadBits: 0)
        var blocks: [Batch] = []
        var model = Set<Timer>()
        func column(_ keys: [Int]) -> [Column] { [Column(.int, keys.map { .int(Int32($0)) })] }
        for epoch in 0..<80 {
            for round in 0..<3 {
                let drawn = (0..<Int.random(in: 1..<20, using: &generator)).map { _ in
                    // Some are for times that have passed.
                    Timer(
                        key: Int.random(in: 0..<8, using: &generator),
                        time: Int64.random(in: Int64(epoch - 5)..<Int64(epoch + 20), using: &generator) * 700_000)
                }
                let moments = Column(bigints: drawn.map(\.time))
                if round == 2 {
                    timers.delete(keys: column(drawn.map(\.key)), at: moments, count: drawn.count)
                    model.subtract(drawn)
                } else {
                    timers.set(keys: column(drawn.map(\.key)), at: moments, count: drawn.count)
                    model.formUnion(drawn)
                }
            }
            let (moments, starts) = timers.list(keys: column(Array(0..<8)), count: 8)
            for key in 0..<8 {
                #expect(
                    Array(moments[starts[key]..<starts[key + 1]]) == model.filter { $0.key == key }.map(\.time).sorted()
                )
            }
            #expect(timers.next == model.map(\.time).min())
            let limit = Int64(epoch) * 700_000
            var fired: [Timer] = []
            if let due = timers.fire(through: limit) {
                for row in 0..<due.count {
                    fired.append(
                        Timer(
                            key: Int(due.keys[0].scalar(row).integer ?? -1), time: due.times.scalar(row).integer ?? -1))
                }
            }
            #expect(Set(fired) == model.filter { $0.time <= limit }, "seed \(seed) epoch \(epoch)")
            #expect(fired.count == Set(fired).count)
            for (a, b) in zip(fired, fired.dropFirst()) where a.key == b.key { #expect(a.time < b.time) }
            model.subtract(fired)
            #expect(timers.fire(through: limit) == nil)
            blocks += timers.times.stateChanges()
            timers.times.endEpoch()
            if Int.random(in: 0..<5, using: &generator) == 0 {
                timers = Timers(keys: [.int], leadBits: 0)
                for block in blocks { timers.times.restore(block) }
            }
            #expect(timers.times.liveCount == model.count)
        }
    }
}
