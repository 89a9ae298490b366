import TideConnectors
import TideSimulation

import Tidemill

/// One start of the program: under which settings it runs, and what happens to it.
struct SimulatedLife {
    enum Fate {
        /// Nothing goes wrong.
        case peace
        /// The power goes after so many calls; `finishing`: the call in hand is done all the same.
        case powerCut(after: Int, finishing: Bool)
        /// SIGKILL: the disk's cache lives on.
        case kill(after: Int, finishing: Bool)
        case error(SimulatedFault)
        /// No room after so many bytes, for so many calls.
        case full(bytes: Int, forCalls: Int)
        case badRead(SimulatedReadFault)

        var isPeace: Bool { if case .peace = self { true } else { false } }
        var isBadRead: Bool { if case .badRead = self { true } else { false } }
    }
    var fate: Fate
    /// And then the power goes, if the program got over its fate.
    var secondCut: Int?
    var workers: Int
    var settings: [String: String]
    var log = EpochLog.Options()
    var tables = TableOptions()
    var maintenance = RunMaintenance.Options()
    var refreshed: Set<String> = []
    /// Stop after so many epochs.
    var epochsMax: Int?

    static func drawn(_ generator: inout SeededGenerator) -> SimulatedLife {
        var life = SimulatedLife(fate: .peace, workers: [1, 2, 4].randomElement(using: &generator)!, settings: [:])
        life.settings = [
            "tidemill.publishInterval": ["0 ms", "1 s", "1 h"].randomElement(using: &generator)!,
            "tidemill.flushBytes": ["0", "3000", "20000", "100000000"].randomElement(using: &generator)!,
            "tidemill.batchRows": ["1", "3", "4096"].randomElement(using: &generator)!,
            "tidemill.memory.limit": ["1", "20k", "100k", "1g"].randomElement(using: &generator)!,
            "tidemill.retain.epochs": ["1", "2", "2", "4"].randomElement(using: &generator)!,
        ]
        life.log.segmentBytesMax = [1024, 8192, 64 << 20].randomElement(using: &generator)!
        life.log.bufferBytes = [100, 1000, 256 << 10].randomElement(using: &generator)!
        life.tables.inlineBytesMax = [0, 0, 1 << 20].randomElement(using: &generator)!
        life.tables.rowGroupRows = [4, 128 << 10].randomElement(using: &generator)!
        life.tables.fileBytesTarget = [1500, 128 << 20].randomElement(using: &generator)!
        life.tables.mergeFanIn = [2, 8].randomElement(using: &generator)!
        life.tables.bloomRowsMin = [3, 32 << 10].randomElement(using: &generator)!
        life.maintenance.residentRowsMin = [0, 0, 10, 1 << 12].randomElement(using: &generator)!
        if Int.random(in: 0..<6, using: &generator) == 0 {
            life.epochsMax = Int.random(in: 0...2, using: &generator)
        }
        return life
    }

    static func drawnFate(_ generator: inout SeededGenerator) -> Fate {
        let calls = Int.random(in: 0..<[30, 120, 400].randomElement(using: &generator)!, using: &generator)
        let finishing = Bool.random(using: &generator)
        switch Int.random(in: 0..<20, using: &generator) {
        case 0..<8: return .powerCut(after: calls, finishing: finishing)
        case 8..<11: return .kill(after: calls, finishing: finishing)
        case 11..<14:
            let call = ["write", "sync", "syncdir", "rename", "create", "exchange", "link", "", "opendir", "stat"]
                .randomElement(using: &generator)!
            return .error(
                SimulatedFault(
                    call: call, index: call.isEmpty ? calls : calls % 60,
                    errno: call == "sync" && finishing ? 28 : 5, isDone: finishing))
        case 14..<16:
            let calls = Bool.random(using: &generator) ? .max : calls
            let bytes = [600, 5000, 60_000].randomElement(using: &generator)!
            return .full(bytes: Int.random(in: 0..<bytes, using: &generator), forCalls: calls)
        case 16..<18:
            let kind = SimulatedReadFault.Kind.allCases.randomElement(using: &generator)!
            let part = kind == .error ? "/" : ["/checkpoint/", "/spark-warehouse/"].randomElement(using: &generator)!
            return .badRead(
                SimulatedReadFault(
                    kind, pathPart: part, sparing: "/in/", index: calls % 100,
                    isSticky: Bool.random(using: &generator), seed: generator.next()))
        default: return .peace
        }
    }

    var text: String {
        var words = ["\(fate)", "workers \(workers)"]
        words += settings.sorted { $0.key < $1.key }.map { "\($0.key.dropFirst(9)) \($0.value)" }
        words.append("segments \(log.segmentBytesMax)/\(log.bufferBytes)")
        let sizes = [tables.inlineBytesMax, tables.rowGroupRows, Int(tables.fileBytesTarget)]
        words.append(
            "tables \((sizes + [tables.mergeFanIn, tables.bloomRowsMin]).map(String.init).joined(separator: "/"))")
        if !refreshed.isEmpty { words.append("refresh \(refreshed.sorted())") }
        if let secondCut { words.append("power cut after \(secondCut)") }
        if let epochsMax { words.append("at most \(epochsMax) epochs") }
        return words.joined(separator: ", ")
    }
}
