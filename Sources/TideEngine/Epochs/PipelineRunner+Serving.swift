// A pipeline that stays: the same epochs, and between them the only sleep of the engine.

/// When a serving pipeline looks for new input.
public enum Trigger: Sendable, Hashable {
    /// As soon as there is some.
    case immediately
    /// At multiples of the interval since 1970-01-01T00:00:00Z, as Spark's processing-time trigger: an epoch that took
    /// longer is followed at once by the next, moments that were missed are skipped, no input means no epoch.
    case every(Duration)
}

extension PipelineRunner {
    struct Waiting {
        let trigger: Trigger
        let watch: any Watch
        /// The trigger's moment that was served last, in microseconds since 1970.
        var servedMicros: Int64 = .min
    }

    /// Without events from the file system (NFS has none) new files are found this often.
    private static let lookInterval = Duration.seconds(1)

    /// Goes on until its stopper's `request` and a `wake` of the watch; then everything committed is published.
    public func serve(_ trigger: Trigger, watch: any Watch) throws(TidemillError) {
        machine = EpochStateMachine(runsOn: true)
        waiting = Waiting(trigger: trigger, watch: watch)
        try running { () throws(TidemillError) in
            for flow in graph.times.values { flow.time.forgetNodes() }
            for node in sources {
                node.source.requireSettled(for: settings.stabilityWindow)
                for directory in node.source.watched() { watch.add(directory) }
            }
        }
    }

    /// Whether the trigger lets an epoch begin now; a moment is used up by asking.
    func triggerIsDue() -> Bool {
        guard var waiting, case .every(let interval) = waiting.trigger else { return true }
        let micros = Int64(clamping: interval.wholeNanoseconds / 1000)
        if micros <= 0 { return true }
        let moment = environment.clock.now().flooredDivision(by: micros) * micros
        // Another moment, not only a later one: a clock that is set back must not stop the pipeline.
        if moment == waiting.servedMicros { return false }
        waiting.servedMicros = moment
        self.waiting = waiting
        return true
    }

    /// Sleeps until new input may be there, the trigger's next moment, or a publication that is due.
    func wait() throws(TidemillError) {
        guard let waiting, !stopper.isRequested else { return }
        var pause = PipelineRunner.lookInterval
        if case .every(let interval) = waiting.trigger {
            let micros = max(1, Int64(clamping: interval.wholeNanoseconds / 1000))
            let now = environment.clock.now()
            pause = .microseconds((now.flooredDivision(by: micros) + 1) * micros - now)
        }
        if machine.hasUnpublished {
            let past = environment.clock.elapsed() - lastPublication
            let interval = settings.publishInterval.wholeNanoseconds
            pause = min(pause, .nanoseconds(Int64(clamping: interval > past ? interval - past : 0)))
        }
        let seen = try waiting.watch.wait(timeout: pause)
        for node in sources {
            if !seen.isEmpty { node.source.noticed(seen) }
            for directory in node.source.watched() { waiting.watch.add(directory) }
        }
    }
}

extension Duration {
    /// Not below 0.
    var wholeNanoseconds: UInt64 {
        let parts = components
        if parts.seconds < 0 || parts.attoseconds < 0 { return 0 }
        return UInt64(parts.seconds) &* 1_000_000_000 &+ UInt64(parts.attoseconds / 1_000_000_000)
    }
}

extension Int64 {
    fileprivate func flooredDivision(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
