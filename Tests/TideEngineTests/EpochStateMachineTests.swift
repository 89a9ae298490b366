import Testing

@testable import TideEngine

/// Every transition by table, and the invariants over every course of events up to a length.
@Suite struct EpochStateMachineTests {
    typealias Machine = EpochStateMachine

    /// Feeds events; gives the actions.
    private func actions(_ events: [Machine.Event]) -> [Machine.Action] {
        var machine = Machine()
        return events.map { machine.handle($0) }
    }

    @Test func courses() {
        let fresh = Machine.Event.recovered(lastCommitted: nil, unpublished: false)
        let old = Machine.Event.recovered(lastCommitted: Epoch(6), unpublished: false)
        let behind = Machine.Event.recovered(lastCommitted: Epoch(6), unpublished: true)
        let none = Machine.Event.planned(hasInput: false, mustRun: false, hasMoved: false)
        let some = Machine.Event.planned(hasInput: true, mustRun: false, hasMoved: false)
        let must = Machine.Event.planned(hasInput: false, mustRun: true, hasMoved: false)
        let moved = Machine.Event.planned(hasInput: false, mustRun: false, hasMoved: true)
        let due = Machine.Event.committed(publishDue: true)
        let later = Machine.Event.committed(publishDue: false)
        let zero = Epoch(0)
        let one = Epoch(1)
        let seven = Epoch(7)
        let table: [([Machine.Event], [Machine.Action])] = [
            ([fresh, none], [.plan, .stop]),
            (
                [fresh, must, .executed, due, .published, none],
                [.plan, .execute(zero), .commit(zero), .publish, .plan, .stop]
            ),
            // Two epochs, published together at the end.
            (
                [fresh, some, .executed, later, some, .executed, later, none, .published],
                [.plan, .execute(zero), .commit(zero), .plan, .execute(one), .commit(one), .plan, .publish, .stop]
            ),
            (
                [old, some, .executed, later, none, .published],
                [.plan, .execute(seven), .commit(seven), .plan, .publish, .stop]
            ),
            // A watermark that moved gets an epoch without input, once nothing more comes.
            (
                [old, some, .executed, later, moved, .executed, later, none, .published],
                [
                    .plan, .execute(seven), .commit(seven), .plan, .execute(Epoch(8)), .commit(Epoch(8)), .plan,
                    .publish,
                    .stop,
                ]
            ),
            // One that a crash kept from its epoch gets it at the start.
            ([old, moved], [.plan, .execute(seven)]),
            // But none after a stop was asked for.
            (
                [old, some, .stopRequested, .executed, later, .published],
                [.plan, .execute(seven), .plan, .commit(seven), .publish, .stop]
            ),
            // What the last run left unpublished comes first.
            ([behind, .published, none], [.publish, .plan, .stop]),
            ([behind, .published, some], [.publish, .plan, .execute(seven)]),
            ([old, .stopRequested], [.plan, .stop]),
            // A stop in the middle: the epoch ends, everything is published.
            (
                [old, some, .stopRequested, .executed, later, .published],
                [.plan, .execute(seven), .plan, .commit(seven), .publish, .stop]
            ),
            ([behind, .stopRequested, .published], [.publish, .plan, .stop]),
            (
                [fresh, some, .executed, later, .stopRequested, .published],
                [.plan, .execute(zero), .commit(zero), .plan, .publish, .stop]
            ),
            ([.failed], [.abort]),
            ([old, some, .failed], [.plan, .execute(seven), .abort]),
            ([old, some, .executed, .failed], [.plan, .execute(seven), .commit(seven), .abort]),
            ([behind, .failed], [.publish, .abort]),
            // Input that is refused: what was committed before it is published, then the run fails.
            ([old, some, .refused], [.plan, .execute(seven), .abort]),
            (
                [fresh, some, .executed, later, some, .refused, .published],
                [.plan, .execute(zero), .commit(zero), .plan, .execute(Epoch(1)), .publish, .abort]
            ),
            (
                [fresh, some, .executed, later, .refused, .failed],
                [
                    .plan, .execute(zero), .commit(zero), .plan, .publish, .abort,
                ]
            ),
        ]
        for (events, wanted) in table { #expect(actions(events) == wanted, "\(events)") }
    }

    /// A machine that runs on waits instead of stopping, publishes when that is due, and stops when asked to.
    @Test func serving() {
        let fresh = Machine.Event.recovered(lastCommitted: nil, unpublished: false)
        let old = Machine.Event.recovered(lastCommitted: Epoch(6), unpublished: false)
        let none = Machine.Event.planned(hasInput: false, mustRun: false, publishDue: true)
        let early = Machine.Event.planned(hasInput: false, mustRun: false, publishDue: false)
        let some = Machine.Event.planned(hasInput: true, mustRun: false, publishDue: false)
        let later = Machine.Event.committed(publishDue: false)
        let seven = Epoch(7)
        let table: [([Machine.Event], [Machine.Action])] = [
            ([fresh, none, .woken, none, .woken], [.plan, .wait, .plan, .wait, .plan]),
            // Committed, waiting for the publication to be due, published, waiting for input.
            (
                [old, some, .executed, later, early, .woken, none, .published, none],
                [.plan, .execute(seven), .commit(seven), .plan, .wait, .plan, .publish, .plan, .wait]
            ),
            ([old, none, .stopRequested], [.plan, .wait, .stop]),
            (
                [old, some, .executed, later, early, .stopRequested, .published],
                [.plan, .execute(seven), .commit(seven), .plan, .wait, .publish, .stop]
            ),
            ([old, none, .failed], [.plan, .wait, .abort]),
        ]
        for (events, wanted) in table {
            var machine = Machine(runsOn: true)
            #expect(events.map { machine.handle($0) } == wanted, "\(events)")
        }
    }

    private func legal(_ state: Machine.State) -> [Machine.Event] {
        switch state {
        case .starting:
            [
                .recovered(lastCommitted: nil, unpublished: false),
                .recovered(lastCommitted: Epoch(3), unpublished: false),
                .recovered(lastCommitted: Epoch(3), unpublished: true), .failed,
            ]
        case .planning:
            [
                .planned(hasInput: true, mustRun: false, hasMoved: false),
                .planned(hasInput: false, mustRun: true, hasMoved: false),
                .planned(hasInput: false, mustRun: false, hasMoved: true),
                .planned(hasInput: false, mustRun: false, hasMoved: false),
                .planned(hasInput: true, mustRun: false), .planned(hasInput: false, mustRun: true),
                .planned(hasInput: false, mustRun: false),
                .planned(hasInput: false, mustRun: false, publishDue: false), .plannedOverChangedInput,
                .stopRequested, .refused, .failed,
            ]
        case .executing: [.executed, .stopRequested, .refused, .failed]
        case .committing: [.committed(publishDue: true), .committed(publishDue: false), .stopRequested, .failed]
        case .publishing: [.published, .stopRequested, .failed]
        case .waiting: [.woken, .stopRequested, .failed]
        case .stopped, .failed: []
        }
    }

    /// All courses of nine events: epochs are consecutive, each commit follows its execution, nothing is published that
    /// is not committed, no end leaves committed epochs unpublished, and after a stop no epoch begins.
    @Test(arguments: [false, true]) func invariants(runsOn: Bool) {
        var courses = 0
        func walk(_ machine: Machine, _ committed: Int64, _ unpublished: Bool, _ stopping: Bool, _ depth: Int) {
            courses += 1
            if depth == 0 { return }
            for event in legal(machine.state) {
                var next = machine
                var committed = committed
                var unpublished = unpublished
                let before = machine.state
                let action = next.handle(event)
                if case .recovered(let last, let left) = event {
                    committed = last?.rawValue ?? -1
                    unpublished = left
                }
                if case .committed = event {
                    committed += 1
                    unpublished = true
                }
                if event == .published { unpublished = false }
                switch action {
                case .execute(let epoch):
                    #expect(epoch.rawValue == committed + 1)
                    #expect(before == .planning && !stopping)
                case .commit(let epoch):
                    #expect(epoch.rawValue == committed + 1)
                    #expect(before == .executing(epoch))
                case .publish: #expect(unpublished)
                case .stop: #expect(!unpublished && (!runsOn || stopping || event == .stopRequested))
                case .reopen: #expect(before == .planning && !stopping && next.state == .starting)
                case .wait: #expect(runsOn && !stopping && next.state == .waiting)
                case .abort:
                    #expect(next.state == .failed)
                    #expect(event == .failed || !unpublished)
                case .plan: #expect(next.state == .planning || event == .stopRequested)
                }
                #expect(next.lastCommitted?.rawValue ?? -1 == committed)
                #expect(next.hasUnpublished == unpublished)
                walk(next, committed, unpublished, stopping || event == .stopRequested, depth - 1)
            }
        }
        walk(Machine(runsOn: runsOn), -1, false, false, 8)
        #expect(courses > 1000)
    }
}
