import Foundation
import Testing

@testable import TideParquet

/// The public files of apache/parquet-testing, from the folder that TIDEMILL_CORPORA names.
@Suite struct CorpusTests {
    static func files(_ folder: String) -> [String]? {
        guard let corpora = ProcessInfo.processInfo.environment["TIDEMILL_CORPORA"] else {
            print("TIDEMILL_CORPORA is not set: the parquet-testing files were not read")
            return nil
        }
        let path = "\(corpora)/parquet-testing/\(folder)"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.hasSuffix(".parquet") || $0.hasSuffix(".encrypted") }.sorted().map { "\(path)/\($0)" }
    }

    static func readAll(_ path: String) throws(TidemillError) -> ParquetReader {
        let file = try POSIXFileSystem().open(FilePath(path), .read)
        defer { file.close() }
        let reader = try ParquetReader(file: file)
        for group in reader.rowGroups.indices {
            _ = try reader.read(rowGroup: group, columns: Array(0..<reader.schema.count))
        }
        return reader
    }

    @Test func goodFiles() throws {
        for path in Self.files("data") ?? [] {
            let name = path.split(separator: "/").last.map(String.init) ?? path
            do throws(TidemillError) {
                _ = try Self.readAll(path)
                let isRefused = ["corrupt-checksum", ".encrypted", ".brotli"].contains { name.contains($0) }
                #expect(!isRefused, "\(name)")
            } catch {
                // Checksums that are wrong on purpose; encryption and Brotli, which are not supported.
                let isUnsupported = name.hasSuffix(".encrypted") || name.contains(".brotli")
                let expected: ErrorKind? =
                    name.contains("corrupt-checksum") ? .corruption : isUnsupported ? .unsupported : nil
                #expect(error.kind == expected, "\(error)")
            }
        }
    }

    @Test func badFiles() throws {
        for path in Self.files("bad_data") ?? [] {
            do throws(TidemillError) {
                let reader = try Self.readAll(path)
                try reader.requireAllReadable()
                // Dictionary indexes of 0 bits are legal with one entry; the file broke older readers only.
                #expect(path.hasSuffix("ARROW-GH-43605.parquet"), "\(path) was read")
            } catch {
                #expect(error.kind == .corruption || error.kind == .unsupported, "\(error)")
            }
        }
    }

    /// The values of delta_binary_packed_expect.csv: 200 rows of widths 0 to 64 and one INT32 column.
    @Test func deltaBinaryPacked() throws {
        guard let path = Self.files("data")?.first(where: { $0.hasSuffix("/delta_binary_packed.parquet") })
        else { return }
        let expected = try String(
            contentsOfFile: path.replacingOccurrences(of: ".parquet", with: "_expect.csv"), encoding: .utf8)
        let rows = expected.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        let reader = try ParquetReader(file: try POSIXFileSystem().open(FilePath(path), .read))
        let batch = try reader.read(rowGroup: 0, columns: Array(0..<reader.schema.count))
        #expect(batch.count == rows.count - 1)
        for (column, values) in batch.columns.enumerated() {
            for row in 0..<batch.count {
                let text = rows[row + 1][column]
                #expect(values.scalar(row).integer == Int64(text), "column \(column) row \(row)")
            }
        }
    }

    /// The values that int96_from_spark.md states.
    @Test func int96FromSpark() throws {
        guard let path = Self.files("data")?.first(where: { $0.hasSuffix("/int96_from_spark.parquet") }) else { return }
        let reader = try ParquetReader(file: try POSIXFileSystem().open(FilePath(path), .read))
        let column = try reader.read(rowGroup: 0, columns: [0]).columns[0]
        let expected: [Int64?] = [
            1_704_141_296_123_456, 1_704_070_800_000_000, 253_402_225_200_000_000, 1_735_599_600_000_000, nil,
            9_089_380_393_200_000_000,
        ]
        #expect((0..<column.count).map { column.scalar($0).integer } == expected)
    }
}
