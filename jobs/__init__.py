"""What runs behind the pages: RQ workers and the timetable. Edges, like views: they call services."""
