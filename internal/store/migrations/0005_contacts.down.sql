DROP TABLE volmacht_account_requests;
DROP TABLE volmacht_contacts;
