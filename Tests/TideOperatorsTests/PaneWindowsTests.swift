import Testing

@testable import TideOperators

/// Panes against the definition of sliding windows: every window [start, start + size) that contains a time.
@Suite struct PaneWindowsTests {
    @Test func windowsOfATime() {
        for (size, slide, offset) in [
            (10, 5, 0), (10, 3, 0), (10, 10, 4), (7, 2, -1), (6, 4, 3), (1, 1, 0), (100, 7, 6),
        ] as [(Int64, Int64, Int64)] {
            let input = LogicalPlan.values(LogicalPlan.Values(schema: Schema([]), rows: []))
            let windows = PaneWindows(
                LogicalPlan.TimeWindows(
                    input: input, time: .null(.timestamp), size: size, slide: slide, offset: offset))
            for time in Int64(-60)...60 {
                let starts = (-500...500).map { offset + $0 * slide }.filter { $0 <= time && time < $0 + size }
                let pane = windows.paneStart(of: time)
                #expect(pane <= time && time < pane + windows.pane)
                #expect(windows.firstEnd(ofPane: pane) == starts[0] + size)
                #expect(windows.lastEnd(ofPane: pane) == starts[starts.count - 1] + size)
                // A pane lies inside its windows.
                #expect(starts.allSatisfy { $0 <= pane && pane + windows.pane <= $0 + size })
                for limit in (time - 20)...(time + 120) {
                    let next = starts.map { $0 + size }.first { $0 > limit }
                    #expect(windows.firstEnd(ofPane: pane, after: limit) == next)
                }
            }
        }
    }
}
