/// Which windows a pane belongs to.
struct PaneWindows: Sendable {
    let size: Int64
    let slide: Int64
    let offset: Int64
    /// The length of a pane.
    let pane: Int64

    init(_ windows: LogicalPlan.TimeWindows) {
        size = windows.size
        slide = windows.slide
        offset = windows.offset
        var (a, b) = (windows.size, windows.slide)
        while b != 0 { (a, b) = (b, a % b) }
        pane = a
    }

    /// How many windows that end after `limit` have one of the panes, whose starts ascend.
    func count(of starts: [Int64], after limit: Int64) -> Int {
        var counted = Int64.min
        var count: Int64 = 0
        for start in starts {
            let last = lastEnd(ofPane: start)
            guard let first = firstEnd(ofPane: start, after: Swift.max(limit, counted)) else { continue }
            count += (last &- first) / slide &+ 1
            counted = last
        }
        return Int(count)
    }

    func paneStart(of time: Int64) -> Int64 { TimeWindow.lastStart(atOrBefore: time, slide: pane, offset: offset) }
    /// The end of the last window that has the pane.
    func lastEnd(ofPane start: Int64) -> Int64 {
        TimeWindow.lastStart(atOrBefore: start, slide: slide, offset: offset) &+ size
    }
    func firstEnd(ofPane start: Int64) -> Int64 {
        // Window starts lie in (start - size, start].
        let last = TimeWindow.lastStart(atOrBefore: start, slide: slide, offset: offset)
        let back = (last &- (start &- size) &- 1) / slide
        return last &- back &* slide &+ size
    }
    /// The first end behind `limit`; nil if all windows of the pane have ended by then.
    func firstEnd(ofPane start: Int64, after limit: Int64) -> Int64? {
        let first = firstEnd(ofPane: start)
        if first > limit { return first }
        let next = first &+ ((limit &- first) / slide &+ 1) &* slide
        return next <= lastEnd(ofPane: start) ? next : nil
    }
}
