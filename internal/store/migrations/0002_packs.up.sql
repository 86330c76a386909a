-- The packs that were in force, as their authors wrote them. The rules of the
-- one in force are in casbin_rule.
CREATE TABLE volmacht_packs (
  revision {int} NOT NULL PRIMARY KEY,
  name     {text(36)} NOT NULL,
  version  {int} NOT NULL,
  model    {long} NOT NULL,
  policy   {long} NOT NULL,
  catalog  {long} NOT NULL
){table};
