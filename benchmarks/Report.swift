import CTideKernels
import Glibc
import Tidemill

/// Output of the harness and the process's own figures.
enum Report {
    static func line(_ text: String) { print(text, terminator: "\n", to: 1) }
    static func error(_ text: String) { print(text, terminator: "", to: 2) }
    static func exit(_ status: Int32) -> Never { Glibc.exit(status) }

    private static func print(_ text: String, terminator: String, to descriptor: Int32) {
        let bytes = Array((text + terminator).utf8)
        var done = 0
        bytes.withUnsafeBytes { buffer in
            while done < buffer.count {
                let n = write(descriptor, buffer.baseAddress! + done, buffer.count - done)
                if n <= 0 { return }
                done += n
            }
        }
    }

    struct Usage {
        var cpuSeconds: Double
        var peakMegabytes: Double
    }
    static func usage() -> Usage {
        let usage = tide_process_usage()
        return Usage(
            cpuSeconds: Double(usage.cpu_micros) / 1e6, peakMegabytes: Double(usage.peak_resident_bytes) / 1e6)
    }

    /// Two decimals.
    static func fixed(_ value: Double) -> String {
        let cents = Int((value.magnitude * 100).rounded())
        let rest = cents % 100
        return (value < 0 ? "-" : "") + "\(cents / 100).\(rest < 10 ? "0" : "")\(rest)"
    }
}
