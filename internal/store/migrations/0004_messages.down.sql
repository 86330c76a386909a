DROP TABLE volmacht_preferences;
DROP TABLE volmacht_copies;
DROP TABLE volmacht_messages;
