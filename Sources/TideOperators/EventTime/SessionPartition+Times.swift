// How sessions end.
//
// `endings` has every session in memory. Where state has a limit, each session also has an entry in `DueTimes`, by
// which it is found when it lies in runs alone. A session that grows keeps its entry, which then comes early: only when
// the watermark passes the entry, the session is given the next one. So a session costs one entry, and one more for
// each time it lived on behind the last.

/// What a session's row says about its entry in `DueTimes`.
enum SessionEntry {
    /// It has none yet: the end of the epoch makes one.
    static let none = Int64.min
    /// The runs have it; when, nobody in memory knows. It is behind what was passed and not behind the session's end.
    static let inRuns = Int64.min + 1

    static func isTime(_ entry: Int64) -> Bool { entry > inRuns }
}

extension SessionPartition {
    /// A session is to be looked at when the watermark has passed `time`.
    func expect(_ session: UnsafeMutableRawPointer, at time: Int64) {
        if endsSessions { endings.insert(time, key: UInt64(UInt(bitPattern: session))) }
    }

    /// Open sessions that end by `limit`, as touched ones.
    func endSessions(through limit: Int64) -> [UnsafeMutableRawPointer] {
        refresh()
        dropStrays(through: limit)
        var due: [TimeIndex.Entry] = []
        endings.pop(through: limit, into: &due)
        var ended: [UnsafeMutableRawPointer] = []
        for hint in due {
            guard let session = UnsafeMutableRawPointer(bitPattern: UInt(hint.key)), state(session) == State.open
            else { continue }
            if end(of: session) > limit {
                liveOn(session, limit)
                continue
            }
            touch(session)
            if let key = owner(session) {
                let hash = keys.hash(of: key)
                touchKey(key, group: Int(truncatingIfNeeded: hash &>> 56))
                dropEntry(of: session, hash)
            }
            unlink(session)
            setOwner(session, nil, State.none)
            ended.append(session)
        }
        return ended
    }

    private func liveOn(_ session: UnsafeMutableRawPointer, _ limit: Int64) {
        let entry = entry(session)
        guard SessionEntry.isTime(entry) else { return expect(session, at: end(of: session)) }
        if entry > limit { return expect(session, at: entry) }
        if let key = owner(session) { dropEntry(of: session, keys.hash(of: key)) }
        askForEntry(session)
        expect(session, at: end(of: session))
    }

    /// The session is stored with the entry it gets, so that whoever finds one in the log finds the other.
    func askForEntry(_ session: UnsafeMutableRawPointer) {
        setEntry(session, SessionEntry.none)
        touch(session)
        if let key = owner(session) {
            touchKey(key, group: Int(truncatingIfNeeded: keys.hash(of: key) &>> 56))
        }
    }

    // MARK: Entries, where state has a limit

    private func dropEntry(of session: UnsafeMutableRawPointer, _ hash: UInt64) {
        let time = entry(session)
        guard keepsTimes, SessionEntry.isTime(time) else { return }
        timeChanges.append(DueTimes.Entry(time: time, hash: hash, isLive: false))
        setEntry(session, SessionEntry.none)
    }

    /// A session that is merged into another leaves it its entry, or leaves the entry to be dropped in its time: an
    /// earlier deletion might be that of another key's with the same hash.
    func handOver(entryOf other: UnsafeMutableRawPointer, to session: UnsafeMutableRawPointer) {
        let entry = entry(other)
        if entry == SessionEntry.none { return }
        if self.entry(session) == SessionEntry.none {
            setEntry(session, entry)
            if SessionEntry.isTime(entry) { expect(session, at: entry) }
        } else if SessionEntry.isTime(entry), let key = owner(other) {
            strays.insert(entry, key: keys.hash(of: key))
        }
    }

    private func dropStrays(through limit: Int64) {
        guard let earliest = strays.earliest, earliest <= limit else { return }
        var due: [TimeIndex.Entry] = []
        strays.pop(through: limit, into: &due)
        for stray in due { timeChanges.append(DueTimes.Entry(time: stray.time, hash: stray.key, isLive: false)) }
    }

    /// Makes entries for what the epoch leaves open, once it is known what it ends.
    func makeEntries() {
        if hasUnlisted {
            hasUnlisted = false
            var unlisted: [UnsafeMutableRawPointer] = []
            sessions.table.forEachRow { row in
                if state(row) == State.open && entry(row) == SessionEntry.none { unlisted.append(row) }
            }
            for session in unlisted { askForEntry(session) }
        }
        for session in sessions.touched where state(session) == State.open && entry(session) == SessionEntry.none {
            guard let key = owner(session) else { continue }
            let time = end(of: session)
            timeChanges.append(DueTimes.Entry(time: time, hash: keys.hash(of: key), isLive: true))
            setEntry(session, time)
        }
    }

    /// An entry out of the log. It belongs to the session that was open then, which has not become shorter.
    func restore(_ stored: DueTimes.Entry) {
        forEachSession(withHash: stored.hash, around: stored.time) { session in
            if stored.isLive {
                setEntry(session, stored.time)
            } else if entry(session) == stored.time {
                setEntry(session, SessionEntry.none)
            }
        }
    }

    func forEachSession(withHash hash: UInt64, around time: Int64, _ body: (UnsafeMutableRawPointer) -> Void) {
        keys.forEachRow(ofHash: hash) { key in
            forEachSession(of: key) { session in
                if start(of: session) < time && time <= end(of: session) { body(session) }
            }
        }
    }

    // MARK: Hints

    /// Sessions have come or moved: hints are made anew.
    func refresh() {
        guard indexIsStale else { return }
        indexIsStale = false
        endings = TimeIndex()
        sessions.table.forEachRow { session in
            guard state(session) == State.open else { return }
            let entry = entry(session)
            expect(session, at: SessionEntry.isTime(entry) ? min(entry, end(of: session)) : end(of: session))
        }
    }
}
