/// The life of a pipeline between start and stop, as a pure machine: events in, the next action out. Every decision
/// that could lose or repeat an epoch is here; `PipelineRunner` only performs the actions.
///
///     start ──► recover ──► publish leftovers ──► plan ──► execute ──► commit ──► (publish) ──► plan …
///                                                  │ nothing new
///                                                  └──► publish what is committed ──► stop, or wait ──► plan …
///                    ▲                             │ input that was read has changed
///                    └─────────── reopen ◄─────────┘
///
/// Invariants: an epoch is published only after its commit; there is at most one epoch between plan and commit; a run
/// never stops with committed epochs unpublished, not even for input that it refuses; a machine that runs on stops only
/// when it is asked to.
public struct EpochStateMachine: Sendable, Hashable {
    public enum State: Sendable, Hashable {
        case starting
        case planning
        case executing(Epoch)
        case committing(Epoch)
        case publishing(then: AfterPublish)
        /// Nothing is there to do; committed epochs may wait for their publication to be due.
        case waiting
        case stopped
        case failed
    }
    public enum AfterPublish: Sendable, Hashable { case plan, stop, fail }

    public enum Event: Sendable, Hashable {
        /// The checkpoint was read.
        case recovered(lastCommitted: Epoch?, unpublished: Bool)
        /// What the sources have. `mustRun`: an epoch is due without input (the first one, a flow to be filled).
        /// `hasMoved`: some flow's watermark has moved, so its state may have something to give out. `publishDue`: the
        /// publish interval has passed.
        case planned(hasInput: Bool, mustRun: Bool, hasMoved: Bool = false, publishDue: Bool = true)
        /// What was read before is no longer what is there, and views have to equal it.
        case plannedOverChangedInput
        case executed
        /// The frame is durable. `publishDue`: the publish interval has passed.
        case committed(publishDue: Bool)
        case published
        /// New input, a trigger, or a publication that is due.
        case woken
        /// The epoch limit of this run, or a signal, asks to end.
        case stopRequested
        /// Input or query make the epoch in hand impossible, and nothing is wrong with the disk: what was committed
        /// before is published, then the run fails.
        case refused
        case failed
    }

    public enum Action: Sendable, Hashable {
        case plan
        case execute(Epoch)
        case commit(Epoch)
        /// Everything committed and not yet published.
        case publish
        /// Open the checkpoint again, so that views start over. Nothing of the plan is kept.
        case reopen
        /// Sleep until something happens.
        case wait
        case stop
        /// Give up without touching the disk; the next start recovers.
        case abort
    }

    public private(set) var state: State = .starting
    public private(set) var lastCommitted: Epoch?
    public private(set) var hasUnpublished = false
    private var stopping = false
    /// Waits for more when there is nothing new, instead of stopping.
    private let runsOn: Bool

    public init(runsOn: Bool = false) { self.runsOn = runsOn }

    public mutating func handle(_ event: Event) -> Action {
        switch (state, event) {
        case (_, .failed):
            state = .failed
            return .abort
        case (.planning, .refused), (.executing, .refused):
            if hasUnpublished { return publish(then: .fail) }
            state = .failed
            return .abort
        case (.starting, .recovered(let last, let unpublished)):
            lastCommitted = last
            hasUnpublished = unpublished
            return unpublished ? publish(then: .plan) : plan()
        case (.planning, .planned(let hasInput, let mustRun, let hasMoved, let publishDue)):
            if (hasInput || mustRun || hasMoved) && !stopping {
                let epoch = lastCommitted?.next ?? .zero
                state = .executing(epoch)
                return .execute(epoch)
            }
            if runsOn && !stopping {
                if hasUnpublished && publishDue { return publish(then: .plan) }
                state = .waiting
                return .wait
            }
            return hasUnpublished ? publish(then: .stop) : stop()
        case (.planning, .plannedOverChangedInput):
            if stopping { return plan() }
            state = .starting
            return .reopen
        case (.waiting, .woken): return plan()
        case (.executing(let epoch), .executed):
            state = .committing(epoch)
            return .commit(epoch)
        case (.committing(let epoch), .committed(let publishDue)):
            lastCommitted = epoch
            hasUnpublished = true
            return publishDue ? publish(then: .plan) : plan()
        case (.publishing(let next), .published):
            hasUnpublished = false
            switch next {
            case .stop: return stop()
            case .plan: return plan()
            case .fail:
                state = .failed
                return .abort
            }
        case (_, .stopRequested):
            stopping = true
            return state == .planning || state == .waiting ? plan() : .plan
        default:
            preconditionFailure("event \(event) in state \(state)")
        }
    }

    private mutating func plan() -> Action {
        if stopping { return hasUnpublished ? publish(then: .stop) : stop() }
        state = .planning
        return .plan
    }
    private mutating func publish(then next: AfterPublish) -> Action {
        state = .publishing(then: next)
        return .publish
    }
    private mutating func stop() -> Action {
        state = .stopped
        return .stop
    }
}
