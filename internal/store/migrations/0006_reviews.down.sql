DROP TABLE volmacht_review_items;
DROP TABLE volmacht_reviews;
DROP TABLE volmacht_review_schedules;
