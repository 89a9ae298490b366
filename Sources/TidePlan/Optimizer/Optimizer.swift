/// Rewrites that give the same result sooner. Each rule is a file; this is their order.
///
/// Filters go down first, because a condition may become a join key or a scan hint; columns are pruned last, when it is
/// known what is read. Every rule keeps the output schema.
public enum Optimizer {
    public static func optimize(_ plan: LogicalPlan) -> LogicalPlan {
        var plan = ConstantFolding.apply(plan)
        plan = CommonFactors.apply(plan)
        plan = FilterPushdown.apply(plan)
        plan = TopNRecognition.apply(plan)
        plan = OuterJoinReduction.apply(plan)
        plan = JoinKeyExtraction.apply(plan)
        plan = JoinOrder.apply(plan)
        plan = SubqueryPushdown.apply(plan)
        plan = RequiredValues.apply(plan)
        plan = InferredConditions.apply(plan)
        // Sides that got conditions as keys may have new places for what is left.
        plan = FilterPushdown.apply(plan)
        plan = ProjectMerge.apply(plan)
        plan = ColumnPruning.apply(plan)
        plan = ProjectMerge.apply(plan)
        return ScanHints.apply(plan)
    }
}
