CREATE TABLE volmacht_review_schedules (
  tenant     {text(36)} NOT NULL PRIMARY KEY,
  every_days {int} NOT NULL,
  due_days   {int} NOT NULL,
  next_at    {int} NOT NULL,
  FOREIGN KEY (tenant) REFERENCES volmacht_tenants (id)
){table};

CREATE INDEX volmacht_review_schedules_next ON volmacht_review_schedules (next_at);

CREATE TABLE volmacht_reviews (
  tenant      {text(36)} NOT NULL,
  id          {text(36)} NOT NULL,
  opened_by   {text(100)} NOT NULL,
  opened_at   {int} NOT NULL,
  due_at      {int} NOT NULL,
  reminded_at {int} NOT NULL,
  closed_at   {int} NOT NULL,
  PRIMARY KEY (tenant, id),
  FOREIGN KEY (tenant) REFERENCES volmacht_tenants (id)
){table};

-- profile is '' in the row that asks about the membership itself.
CREATE TABLE volmacht_review_items (
  tenant     {text(36)} NOT NULL,
  review     {text(36)} NOT NULL,
  subject    {text(41)} NOT NULL,
  dossier    {text(36)} NOT NULL,
  profile    {text(36)} NOT NULL,
  decision   {text(20)} NOT NULL,
  decided_by {text(100)} NOT NULL,
  decided_at {int} NOT NULL,
  PRIMARY KEY (tenant, review, subject, dossier, profile),
  CONSTRAINT volmacht_review_items_decision CHECK (decision IN ('', 'confirmed', 'changed', 'removed')),
  FOREIGN KEY (tenant, review) REFERENCES volmacht_reviews (tenant, id)
){table};
