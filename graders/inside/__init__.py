"""What runs inside the sandbox, beside a student's notebook. It imports nothing else of ours and knows no answer."""
