DROP TABLE volmacht_tokens;
DROP TABLE volmacht_invited_grants;
DROP TABLE volmacht_invitations;
