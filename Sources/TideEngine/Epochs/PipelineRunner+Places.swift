// What tables that left the pipeline have beside them. Their directories are their owner's; hidden siblings are ours
// alone. Nothing committed depends on any of it, so a crash in here leaves work for the next start.

extension PipelineRunner {
    /// To be called once tables are connected.
    func connectPlaces() throws(TidemillError) {
        var current: Set<TablePlace> = []
        for dataset in definition.datasets {
            for path in connectors.places(of: dataset) {
                current.insert(TablePlace(table: dataset.name.lowercased(), path: path, generation: generation))
            }
        }
        for sink in definition.sinks {
            current.insert(
                TablePlace(table: sink.name.lowercased(), path: connectors.place(of: sink), generation: generation))
        }
        places = try TablePlaces(current, after: lastRecord)
    }

    /// At a start, and after every publication.
    func cleanAbandonedPlaces() throws(TidemillError) {
        guard let store, !places.abandoned.isEmpty, try !store.hasReaders else { return }
        for place in places.abandoned.sorted(by: { $0.path < $1.path }) {
            let generations = store.usedGenerations.union([place.generation])
            // An epoch of this log that came after the table had left has no version of it.
            let retained = Set(
                store.retained.map(\.version).filter { version in
                    version.generation != generation || place.left.map { version.epoch < $0 } ?? true
                })
            if try connectors.cleanSiblings(of: place, generations: generations, retained: retained) {
                places.forget(place)
            }
        }
    }
}
