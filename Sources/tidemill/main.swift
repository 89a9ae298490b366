import ArgumentParser
import Tidemill

ProcessMemory.keepFreedMemory()
// Exit status: 0 done, 1 the pipeline failed, 2 wrong usage.
do {
    var command = try TidemillCommand.parseAsRoot()
    try command.run()
    try StandardStreams.requireOutput()
} catch let error as TidemillError {
    StandardStreams.error(error.report())
    StandardStreams.exit(1)
} catch {
    let message = TidemillCommand.fullMessage(for: error)
    // Help and version come as errors too; they are what was asked for.
    if TidemillCommand.exitCode(for: error) == .success {
        StandardStreams.out(message + "\n")
        StandardStreams.exit(0)
    }
    StandardStreams.error(message + "\n")
    StandardStreams.exit(2)
}
