import ArgumentParser
import Tidemill

ProcessMemory.keepFreedMemory()
// Exit status as tidemill's: 0 done, 1 failed (a wrong result too), 2 wrong usage.
do {
    var command = try BenchCommand.parseAsRoot()
    try command.run()
} catch let error as TidemillError {
    Report.error(error.report())
    Report.exit(1)
} catch {
    let message = BenchCommand.fullMessage(for: error)
    if BenchCommand.exitCode(for: error) == .success {
        Report.line(message)
        Report.exit(0)
    }
    Report.error(message + "\n")
    Report.exit(2)
}

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tidemill-bench", abstract: "Runs Tidemill's benchmark jobs and checks their results.",
        subcommands: [RunJob.self, RunState.self, Generate.self])
}
