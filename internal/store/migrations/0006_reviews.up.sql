CREATE TABLE volmacht_review_schedules (
  tenant     {text(36)} NOT NULL PRIMARY KEY,
  every_days {int} NOT NULL,
  due_days   {int} NOT NULL,
  next_at    {int} NOT NULL,
  FOREIGN KEY (tenant) REFERENCES volmacht_tenants (id)
){table};

CREATE INDEX volmacht_review_schedules_next ON volmacht_review_schedules (next_at);

CREATE TABLE volmacht_reviews (
  tenant    {text(36)} NOT NULL,
  id        {text(36)} NOT NULL,
  opened_by {text(100)} NOT NULL,
  opened_at {int} NOT NULL,
  due_at    {int} NOT NULL,
  remind_at {int} NOT NULL,
  closed_at {int} NOT NULL,
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant) REFERENCES volmacht_tenants (id)
){table};

CREATE INDEX volmacht_reviews_remind ON volmacht_reviews (closed_at, remind_at);

-- subject, role and dossier are what a g row of the policy says of somebody;
-- dossier is '' for what holds throughout the tenant. state is that of a member
-- at the opening, became the profile that took the place of another.
CREATE TABLE volmacht_review_items (
  tenant     {text(36)} NOT NULL,
  review     {text(36)} NOT NULL,
  subject    {text(41)} NOT NULL,
  dossier    {text(36)} NOT NULL,
  role       {text(41)} NOT NULL,
  state      {text(20)} NOT NULL,
  decision   {text(20)} NOT NULL,
  became     {text(36)},
  decided_by {text(100)} NOT NULL,
  decided_at {int} NOT NULL,
  PRIMARY KEY (tenant, review, subject, dossier, role),
  CONSTRAINT volmacht_review_items_decision CHECK (decision IN ('', 'confirmed', 'changed', 'removed')),
  FOREIGN KEY (tenant, review) REFERENCES volmacht_reviews (tenant, id)
){table};
