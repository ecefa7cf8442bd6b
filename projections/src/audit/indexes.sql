-- For `acts.sql`, by whichever filter narrows most.
create index audit_act_kind on audit_act (kind, position);
create index audit_act_actor on audit_act (actor, position);
create index audit_act_target on audit_act (target, position);
