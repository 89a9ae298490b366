extension FileSystem {
    /// - Parameter purpose: what the directory is for, e.g. `the checkpoint`.
    /// - Throws: if the directory is there and cannot be written, or is not there and cannot be made. Changes nothing.
    public func requireWritable(_ directory: FilePath, for purpose: String) throws(TidemillError) {
        var place = directory.lexicallyNormalized()
        while true {
            if let status = try status(of: place) {
                guard status.kind == .directory else {
                    throw TidemillError(
                        .io, "TIDEMILL_NOT_A_DIRECTORY",
                        "the folder of \(purpose) cannot be made: \(directory.string)",
                        detail: "\(place.string) is a file", hint: "choose another folder")
                }
                guard mayWrite(in: place) else {
                    throw TidemillError(
                        .io, "TIDEMILL_IO", "the folder of \(purpose) cannot be written: \(directory.string)",
                        detail: place == directory ? nil : "nothing can be made in \(place.string)",
                        hint: "let this user write there, or choose another folder")
                }
                return
            }
            guard place.removeLastComponent() else { return }
        }
    }
}
