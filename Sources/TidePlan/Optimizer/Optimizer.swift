/// Rewrites that give the same result sooner.
public enum Optimizer {
    public static func optimize(_ plan: LogicalPlan) -> LogicalPlan { plan }
}
